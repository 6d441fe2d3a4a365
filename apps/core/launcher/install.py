"""Fills .venv with one hashed requirement set, unless it holds it already.

Run as a script before anything is installed, so the standard library is all there is.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
VENV = REPOSITORY / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "requirements.json"
# dev holds all of local at the same versions, so whoever has dev has local.
HOLDS = {"local": ["local"], "dev": ["dev", "local"]}


def digest(name: str) -> str:
    return hashlib.sha256((REPOSITORY / "requirements" / f"{name}.txt").read_bytes()).hexdigest()


def installed(name: str) -> bool:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    return stamp.get(name) == digest(name) and venv_works()


def venv_works() -> bool:
    test = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-c", test], check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two starts of one clone install one after the other. The lock is on the directory itself: no file to leave."""
    descriptor = os.open(REPOSITORY, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_venv() -> None:
    if not os.access(REPOSITORY, os.W_OK):
        sys.exit(f"{REPOSITORY} is not writable for you, and .venv has to go there: clone it to a directory you own.")
    try:
        import ensurepip  # noqa: F401  # Debian ships Python without it; python3-venv brings it
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"Python {version} has no venv module. Debian, Ubuntu: apt install python3-venv (or python{version}-venv)"
        )
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)


def install(name: str) -> None:
    if not venv_works():
        make_venv()
    if not os.access(VENV, os.W_OK):
        sys.exit(f"{VENV} is not writable for you and its requirements are out of date: use a clone of your own.")
    STAMP.unlink(missing_ok=True)
    print(f"install      {name}.txt, about a minute the first time", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    # The set is complete and pinned: nothing to resolve, and nothing may be compiled.
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", f"requirements/{name}.txt"]
    done = subprocess.run(command, cwd=REPOSITORY, check=False)
    if done.returncode:
        sys.exit(f"pip could not install requirements/{name}.txt (see above); nothing was started.")
    STAMP.write_text(json.dumps({held: digest(held) for held in HOLDS[name]}) + "\n")


def main(name: str) -> None:
    started = time.monotonic()
    if installed(name):
        return
    with only_one():
        if not installed(name):
            install(name)
    print(f"install     {time.monotonic() - started:6.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
