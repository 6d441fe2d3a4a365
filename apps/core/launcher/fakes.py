"""The fakes of outside services, beside the product: `python -m fakes.<name>` on loopback, on a port that stays the same."""

import contextlib
import http.client
import json
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from apps.core.launcher.processes import Processes
from apps.core.launcher.redis import free_port
from apps.core.launcher.state import REPOSITORY, State, private, write_private

HOST = "127.0.0.1"
# The variable that names a service's address, and what else leads to its fake. Where the first is set, no fake is started.
VARIABLES: dict[str, dict[str, str]] = {
    "brokers": {"ANGELONE_API_BASE": "{url}/angelone", "ZERODHA_API_BASE": "{url}/zerodha"},
    "fireblocks": {"FIREBLOCKS_API_BASE": "{url}", "FIREBLOCKS_JWKS_URL": "{url}/.well-known/jwks.json"},
    "stripe": {"STRIPE_API_BASE": "{url}", "UPLINE_STRIPE_PAY_URL": "{url}/pay/"},
}


def start(state: State, processes: Processes, env: Mapping[str, str]) -> dict[str, str]:
    """Start those that `env` names no other address for. Returns the variables that lead to them."""
    wanted = [name for name, variables in VARIABLES.items() if next(iter(variables)) not in env and exists(name)]
    directory = state.home / "fakes"
    private(directory)
    ports = keep_ports(directory / "ports.json", wanted)
    found: dict[str, str] = {}
    for name in wanted:
        command = [sys.executable, "-m", f"fakes.{name}", "--port", str(ports[name])]
        processes.start(f"fake-{name}", [*command, "--state", str(directory / f"{name}.sqlite3")], env=env)
        url = f"http://{HOST}:{ports[name]}"
        found |= {variable: text.format(url=url) for variable, text in VARIABLES[name].items()}
    for name in wanted:
        processes.wait_until(lambda: answers(ports[name]), seconds=30, what=f"the fake of {name} to answer")  # noqa: B023 - runs now
    return found


def exists(name: str) -> bool:
    """A production image has none."""
    return (REPOSITORY / "fakes" / name / "__main__.py").exists()


def keep_ports(path: Path, names: list[str]) -> dict[str, int]:
    """The ports of before, where they are free still: what the demo told others must not change."""
    known: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(path.read_text())
    for name in names:
        if name not in known or not is_free(known[name]):
            known[name] = free_port()
    write_private(path, known)
    return known


def is_free(port: int) -> bool:
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with closing(connection):
        try:
            connection.request("GET", "/_fake/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
