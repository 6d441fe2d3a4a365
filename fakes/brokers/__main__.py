"""python -m fakes.brokers --port 8003"""

from fakes.brokers.server import FakeBrokers
from fakes.serving import run

if __name__ == "__main__":
    run("brokers", "Brokers of our own, on loopback: they remember nothing.", lambda port, state: FakeBrokers(port))
