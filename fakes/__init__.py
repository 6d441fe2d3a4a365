"""Outside services as they behave, for the demo and the tests: plain HTTP servers on loopback, never imported by the product."""
