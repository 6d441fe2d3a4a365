"""The last resort where no Redis binary runs: fakeredis behind TCP on 127.0.0.1. Development and tests only."""

import sys

from fakeredis import TcpFakeServer


def main() -> None:
    TcpFakeServer(("127.0.0.1", int(sys.argv[1]))).serve_forever()


if __name__ == "__main__":
    main()
