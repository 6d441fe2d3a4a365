"""The state directory: everything one running instance keeps, and nothing outside it."""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from apps.core.launcher.errors import AlreadyRunning, LauncherError

REPOSITORY = Path(__file__).resolve().parents[3]
SOCKET_PATH_MAX = 107  # bytes of sun_path on Linux, less its end; macOS has 103
LONGEST_SOCKET = "/.s.PGSQL.5432.lock"
LOCK = "upline.lock"  # also the mark by which we know a directory for ours
SECRETS = ("superuser", "owner", "app", "audit", "signing")
# What --reset empties. Names, not "everything": UPLINE_STATE_DIR is the user's to choose.
DATA = ("pg", "redis", "run", "logs", "mail", "media", "exports", "fakes", "demo.json", "env.json", "anchors.jsonl")


class State:
    """A directory for secrets and logs (`home`) and one for data and sockets (`servers`).

    They are the same, unless root runs this: PostgreSQL refuses root, so it runs as `server_user`, and where that
    user cannot reach `home`, `servers` is below /var/lib.
    """

    def __init__(self, home: Path, *, parent: "State | None" = None) -> None:
        self.home = home
        self.parent = parent

    @classmethod
    def of_environment(cls) -> "State":
        if chosen := os.environ.get("UPLINE_STATE_DIR"):
            return cls(Path(chosen).expanduser().resolve())
        if os.geteuid() == 0:
            return cls(Path("/var/lib") / f"upline-{short_hash(REPOSITORY)}")
        return cls(REPOSITORY / ".local")

    def child(self, name: str) -> "State":
        """A second instance inside this one, such as the test run's, sharing the copied server binaries."""
        return State(self.home / name, parent=self)

    @cached_property
    def server_user(self) -> pwd.struct_passwd | None:
        """Whom PostgreSQL and Redis run as: nobody else than us, unless we are root."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        raise LauncherError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.")

    @cached_property
    def servers(self) -> Path:
        if self.server_user is None or reachable(self.home, self.server_user):
            return self.home
        return Path("/var/lib") / f"upline-{short_hash(self.home)}"

    @property
    def runtimes(self) -> Path:
        return (self.parent or self).servers / "runtimes"

    @cached_property
    def run(self) -> Path:
        """The directory of the sockets, short enough for their paths to fit."""
        usual = self.servers / "run"
        if len(os.fsencode(usual)) + len(LONGEST_SOCKET) <= SOCKET_PATH_MAX - 4:
            return usual
        return Path("/tmp") / f"upline-{os.geteuid()}-{short_hash(self.servers)}"  # noqa: S108  # private() checks the owner

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def demo_file(self) -> Path:
        return self.home / "demo.json"

    @property
    def env_file(self) -> Path:
        return self.home / "env.json"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Take the instance for this process and make its directories.

        Secrets and logs are ours alone; data and sockets belong to the server user. The kernel lets go of the lock
        however the launcher ends.
        """
        try:
            self._make_home()
            with (self.home / LOCK).open("a+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    raise AlreadyRunning(f"Already running in {self.home}: {self._holder()}.") from error
                self._make_directories()
                yield
        except PermissionError as error:
            raise LauncherError(
                f"{error.filename} cannot be written: name a directory of your own in UPLINE_STATE_DIR."
            ) from error

    def _make_home(self) -> None:
        if self.parent:
            self.parent._make_home()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self.home.iterdir()) and not (self.home / LOCK).exists():
            raise LauncherError(f"{self.home} holds other things: name a new or empty directory in UPLINE_STATE_DIR.")
        # The server user of root passes through to its own directories, and sees nothing on the way.
        self.home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (self.home / LOCK).touch(mode=0o600)

    def _make_directories(self) -> None:
        private(self.logs)
        if self.servers != self.home:
            self.servers.mkdir(mode=0o711, parents=True, exist_ok=True)
        for directory in (self.servers / "pg", self.servers / "redis", self.run):
            private(directory, self.server_user)

    def note_holder(self, text: str) -> None:
        (self.home / LOCK).write_text(f"process {os.getpid()}, {text}\n")

    def _holder(self) -> str:
        return (self.home / LOCK).read_text().strip() or "just starting"

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Passwords of the database roles and the key that signs cookies and tokens, made once."""
        path = self.home / "secrets.json"
        made = {name: secrets.token_urlsafe(32) for name in SECRETS}
        with contextlib.suppress(FileNotFoundError):
            made |= json.loads(path.read_text())
        write_private(path, made)
        return made

    def wipe(self) -> None:
        for directory in {self.home, self.servers}:
            for name in DATA:
                remove(directory / name)
        remove(self.run)
        self._make_directories()


def load_env() -> dict[str, str]:
    """The variables that lead this process (a shell, a management command) to the running instance.

    Empty where none runs. A DATABASE_URL or REDIS_URL of the environment wins, and then nothing of that kind is
    offered: the URLs of two databases must not mix, and the web server is told of the app role only.
    """
    try:
        known: dict[str, str] = json.loads(State.of_environment().env_file.read_text())
    except (OSError, ValueError):
        return {}
    told = {kind for kind in ("DATABASE_", "REDIS_") if f"{kind}URL" in os.environ}
    return {
        name: value
        for name, value in known.items()
        if name not in os.environ and not any(name.startswith(kind) for kind in told)
    }


def short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]


def reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether the user may pass through every directory above the path."""
    for parent in path.parents:
        if not parent.exists():
            continue
        status = parent.stat()
        bit = 0o100 if status.st_uid == user.pw_uid else 0o010 if status.st_gid == user.pw_gid else 0o001
        if not status.st_mode & bit:
            return False
    return True


def private(directory: Path, owner: pwd.struct_passwd | None = None) -> None:
    """Make the directory, 0700 and the owner's. Another's directory in our place is refused, not used."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = owner.pw_uid if owner else os.geteuid()
    status = directory.lstat()
    if directory.is_symlink() or status.st_uid not in {uid, os.geteuid()}:
        raise LauncherError(f"{directory} belongs to another user: remove it, or choose another UPLINE_STATE_DIR.")
    directory.chmod(0o700)
    if owner and status.st_uid != uid:
        os.chown(directory, uid, owner.pw_gid)


def write_private(path: Path, value: object) -> None:
    """Replace the file in one step; it is never readable to others, nor half written."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=1)
    temporary.replace(path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
