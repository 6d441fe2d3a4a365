"""PostgreSQL and Redis of one instance, or the ones the environment names."""

import contextlib
import os
from collections.abc import Iterator

from apps.core.launcher import postgres, redis
from apps.core.launcher.errors import AlreadyRunning, LauncherError
from apps.core.launcher.processes import Processes
from apps.core.launcher.state import State

DATABASE_URLS = ("DATABASE_ADMIN_URL", "DATABASE_OWNER_URL", "DATABASE_URL", "DATABASE_AUDIT_URL")


def ensure_services(state: State, processes: Processes, *, fsync: bool) -> tuple[dict[str, str], str]:
    """Start what the environment does not name. Returns the variables that lead to it, and a line about it."""
    if "DATABASE_URL" in os.environ:
        env = {name: os.environ[name] for name in DATABASE_URLS if name in os.environ}
        about = "PostgreSQL of DATABASE_URL"
    else:
        about = f"PostgreSQL {postgres.start(state, processes, fsync=fsync)}"
        env = postgres.urls(state)
    if "REDIS_URL" in os.environ:
        env["REDIS_URL"] = os.environ["REDIS_URL"]
        about += ", Redis of REDIS_URL"
    else:
        env["REDIS_URL"], version = redis.start(state, processes)
        about += f", Redis {version}"
    return env, about


@contextlib.contextmanager
def beside(name: str, *, fsync: bool) -> Iterator[tuple[Processes, dict[str, str]]]:
    """Servers of their own for tests or benchmarks, in a directory inside the state, gone at the end.

    A second run at the same time takes the next directory. Yields the processes and the environment.
    """
    with _free_instance(name) as state:
        processes = Processes(state)
        processes.stop_orphans()
        processes.catch_signals()
        try:
            env, _ = ensure_services(state, processes, fsync=fsync)
            yield processes, dict(os.environ) | env | {"UPLINE_STATE_DIR": str(state.home)}
        finally:
            processes.stop()


@contextlib.contextmanager
def _free_instance(name: str) -> Iterator[State]:
    base = State.of_environment()
    for number in range(1, 10):
        state = base.child(name if number == 1 else f"{name}-{number}")
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(state.hold())
            except AlreadyRunning:
                continue
            yield state
            return
    raise LauncherError(f"Nine runs are already under way in {base.home}.")
