"""What the person at the terminal reads."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def say(text: str = "") -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone, and stopping must go on
        print(text, flush=True)


@contextlib.contextmanager
def step(name: str) -> Iterator[list[str]]:
    """Print the step and its time when it is done. What is put into the list is printed beside."""
    started = time.monotonic()
    notes: list[str] = []
    yield notes
    say(f"{name:<12}{time.monotonic() - started:6.1f} s   {', '.join(notes)}".rstrip())


def announce(url: str, demo_file: Path, logs: Path) -> None:
    say(f"\nUpline is at {url}  (Ctrl-C stops it; logs in {logs})")
    try:
        demo = json.loads(demo_file.read_text())
    except (OSError, ValueError):
        return
    for site in demo.get("sites", []):
        say(f"  {site.get('code', ''):<10} {site.get('url', '')}")
    for name, address in demo.get("fakes", {}).items():
        say(f"  {name:<10} {address} (a fake: no money moves)")
    logins: dict[str, list[str]] = {}
    for login in demo.get("logins", []):
        logins.setdefault(login.get("site") or "every site", []).append(_login(login))
    if logins:
        say(f"Demo logins, all with the password {demo.get('password', '')}")
    for site, entries in logins.items():
        say(f"  {site:<10} {', '.join(entries)}")


def _login(login: dict[str, Any]) -> str:
    role = login.get("role")
    return f"{login.get('email', '')} ({role})" if role else str(login.get("email", ""))
