"""python -m fakes.fireblocks --port 8002 --state fireblocks.sqlite3"""

import argparse
import signal
import threading
from types import FrameType

from fakes.fireblocks.server import FakeFireblocks


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m fakes.fireblocks", description="A Fireblocks of our own, on loopback."
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", required=True, help="the SQLite file it remembers in")
    options = parser.parse_args()
    server = FakeFireblocks(options.port, options.state)

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()  # shutdown waits for the loop this handler interrupts

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.close()


if __name__ == "__main__":
    main()
