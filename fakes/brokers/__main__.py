"""python -m fakes.brokers --port 8003"""

import argparse
import signal
import threading
from types import FrameType

from fakes.brokers.server import FakeBrokers


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fakes.brokers", description="Brokers of our own, on loopback.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", help="not used: they remember nothing")
    server = FakeBrokers(parser.parse_args().port)

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()  # shutdown waits for the loop this handler interrupts

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
