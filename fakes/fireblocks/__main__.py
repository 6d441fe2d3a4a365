"""python -m fakes.fireblocks --port 8002 --state fireblocks.sqlite3"""

from fakes.fireblocks.server import FakeFireblocks
from fakes.serving import run

if __name__ == "__main__":
    run("fireblocks", "A Fireblocks of our own, on loopback.", FakeFireblocks)
