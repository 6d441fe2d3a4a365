"""A Stripe of our own: PaymentIntents, charges, refunds, disputes, signed events, idempotency keys, and a page to pay on.

python -m fakes.stripe --port 8001 --state /path/stripe.sqlite3

It speaks the protocol that Stripe's own library speaks (https://docs.stripe.com/api). What only a test or a demo wants of it is
below /_fake/: accounts, faults, disputes, what was asked.
"""
