"""python -m fakes.stripe --port 8001 --state stripe.sqlite3"""

from fakes.serving import run
from fakes.stripe.server import FakeStripe

if __name__ == "__main__":
    run("stripe", "A Stripe of our own, on loopback.", FakeStripe)
