"""A Fireblocks of our own: transactions out of a vault, signed webhooks and the JWKS that proves them.

python -m fakes.fireblocks --port 8002 --state /path/fireblocks.sqlite3

It checks what Fireblocks checks (https://developers.fireblocks.com/reference): the request's JWT over path and body, each nonce
once, Idempotency-Key and externalTxId. What only a test or a demo wants of it is below /_fake/: accounts, faults, transactions.
"""
