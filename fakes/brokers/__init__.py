"""Two brokers of our own on loopback, as far as their profiles of clients go.

A token names its client, as in `AB1234@token`; a token that names nobody, and every one after POST /_fake/faults {"down": true},
is answered by 503. Keys that begin with "refuse" are not good.
"""

from fakes.brokers.server import FakeBrokers

__all__ = ["FakeBrokers"]
