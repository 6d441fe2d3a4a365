"""Child processes: started in sessions of their own, recorded, watched, and stopped in order."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from apps.core.launcher.errors import Interrupted, LauncherError
from apps.core.launcher.state import REPOSITORY, State, write_private

LOG_LIMIT = 5_000_000  # bytes; past it a log is put aside at the next start
PATIENCE = 12.0  # seconds a child gets to end by itself; gunicorn gives its requests 10


@dataclass
class Child:
    """One process we answer for: started by this launcher, or left behind by one that was killed."""

    name: str
    pid: int
    identity: str
    is_server: bool
    stop_signal: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def alive(self) -> bool:
        if self.process:
            return self.process.poll() is None
        return identity_of(self.pid) == self.identity

    def signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def record(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("name", "pid", "identity", "is_server", "stop_signal")}


class Processes:
    """The children of one instance. None outlives a launcher that can still act; the next start finds the others."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.children: list[Child] = []
        self.interrupts = 0
        self._file = state.home / "processes.json"

    # Signals only count up here: an exception out of a handler could fall between a fork and its record.
    def catch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupts += 1

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        user: pwd.struct_passwd | None = None,
        cwd: Path = REPOSITORY,
        stop_signal: int = signal.SIGTERM,
        is_server: bool = False,
        in_terminal: bool = False,
    ) -> Child:
        options: dict[str, Any] = {"env": dict(env), "cwd": cwd, "start_new_session": True}
        if user:
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with contextlib.ExitStack() as stack:
            if not in_terminal:
                log = stack.enter_context(self.open_log(name))
                options |= {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
            process = subprocess.Popen([str(part) for part in command], **options)
        child = Child(name, process.pid, identity_of(process.pid) or "", is_server, stop_signal, process)
        self.children.append(child)
        self._write()
        return child

    def run(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str]) -> None:
        """Run one step to its end; a failure shows the end of its log."""
        if self._finish(self.start(name, command, env=env)):
            raise LauncherError(f"{name} failed:\n{self.last_lines(name)}")

    def run_in_terminal(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str]) -> int:
        """Run one command that talks to the terminal itself. Returns its status."""
        return self._finish(self.start(name, command, env=env, stop_signal=signal.SIGINT, in_terminal=True))

    def _finish(self, child: Child) -> int:
        try:
            self.wait_until(lambda: not child.alive(), seconds=7200, what=f"{child.name} to end", watch=False)
        finally:
            self.stop_these([child])
        return child.process.returncode if child.process else 0

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, what: str, watch: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.check(watch=watch)
            if time.monotonic() > deadline:
                raise LauncherError(f"Waited {seconds:.0f} s for {what}. Logs: {self.state.logs}")
            time.sleep(0.05)

    def check(self, *, watch: bool = True) -> None:
        if self.interrupts:
            raise Interrupted
        for child in self.children if watch else []:
            if not child.alive():
                code = child.process.returncode if child.process else "?"
                raise LauncherError(f"{child.name} ended (status {code}):\n{self.last_lines(child.name)}")

    def watch(self) -> None:
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Those that use the servers first, then the servers."""
        for servers in (False, True):
            self.stop_these([child for child in self.children if child.is_server is servers])

    def stop_these(self, children: list[Child]) -> None:
        asked = self.interrupts
        for child in children:
            if child.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, child.stop_signal)
        deadline = time.monotonic() + PATIENCE
        while any(child.alive() for child in children):
            if time.monotonic() > deadline or self.interrupts > asked + 1:
                break
            time.sleep(0.02)
        for child in children:
            child.signal_group(signal.SIGKILL)  # what is left, and pool children that outlived their parent
            if child.process:
                child.process.wait()
        self.children = [child for child in self.children if child not in children]
        self._write()

    def stop_orphans(self) -> list[str]:
        """Stop what a killed launcher left, told from a reused pid by its start time. Returns their names."""
        left = [child for child in self._recorded() if child.alive()]
        mine, self.children = self.children, left
        self.stop()
        self.children = mine
        return [child.name for child in left]

    def _recorded(self) -> list[Child]:
        try:
            return [Child(**record) for record in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def _write(self) -> None:
        if self.children:
            write_private(self._file, [child.record() for child in self.children])
        else:
            self._file.unlink(missing_ok=True)

    def log_path(self, name: str) -> Path:
        return self.state.logs / f"{name}.log"

    @contextlib.contextmanager
    def open_log(self, name: str) -> Iterator[IO[bytes]]:
        path = self.log_path(name)
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            yield log

    def last_lines(self, name: str, count: int = 20) -> str:
        path = self.log_path(name)
        text = path.read_text(errors="replace") if path.exists() else ""
        lines = [line for line in text.splitlines() if line.strip()][-count:]
        return "\n".join(f"    {line}" for line in [*lines, f"({path})"])


def identity_of(pid: int) -> str | None:
    """The boot and the start time of a living process: a pid alone may be another's by now."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _identity_by_ps(pid)
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{fields[19]}"


def _identity_by_ps(pid: int) -> str | None:
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split(maxsplit=1)
    return None if len(shown) != 2 or shown[0].startswith("Z") else shown[1].strip()
