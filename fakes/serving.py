"""What the fakes share of HTTP: a server on loopback, answers, and the command that runs it."""

import argparse
import json
import signal
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, Self


class Server(ThreadingHTTPServer):
    """`url` is where it answers. `start` serves in a thread, for tests; `serve_forever` for the command."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self.close()

    def close(self) -> None:
        """Once nothing is served any more."""
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Each request is answered by `answer`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base names it so
        """Quiet: what was asked is remembered."""

    def send_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.send_text(status, json.dumps(body), "application/json", headers)

    def send_text(self, status: int, text: str, kind: str, headers: Mapping[str, str] | None = None) -> None:
        content = text.encode()
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def run(name: str, what: str, make: Callable[[int, str], Server]) -> None:
    """`python -m fakes.<name> --port --state`, until it is told to stop. `make` is given the two."""
    parser = argparse.ArgumentParser(prog=f"python -m fakes.{name}", description=what)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", default=":memory:", help="the SQLite file it remembers in")
    options = parser.parse_args()
    server = make(options.port, options.state)

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()  # shutdown waits for the loop this handler interrupts

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.close()
