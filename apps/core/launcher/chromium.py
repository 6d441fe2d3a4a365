"""The browser of the browser tests: one that is installed, or Debian's where root may install it."""

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome-stable", "google-chrome")
MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
WANTED = Path("tests/browser")


def find() -> str | None:
    if chosen := os.environ.get("UPLINE_CHROMIUM"):
        return chosen
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (MACOS if Path(MACOS).exists() else None)


def find_or_install() -> str | None:
    return find() or (find() if install() else None)


def install() -> bool:
    """Ubuntu's package only points to a snap, and elsewhere we don't know the name: Debian it is."""
    if os.geteuid() != 0 or not shutil.which("apt-get") or not is_debian():
        return False
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "chromium"]):
        if subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False).returncode:
            return False
    return True


def is_debian() -> bool:
    try:
        return "ID=debian" in Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return False
