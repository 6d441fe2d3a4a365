"""What bin/up says when it cannot start."""

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from apps.core.launcher import chromium, install, up
from apps.core.launcher.errors import LauncherError
from apps.core.launcher.state import REPOSITORY


@pytest.fixture
def directory():
    """Not pytest's tmp_path: the server user of root could not reach that, and /var/lib would be used."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def run_up(directory, **variables):
    env = {"PATH": os.environ["PATH"], "UPLINE_STATE_DIR": str(directory), **variables}
    command = [sys.executable, "manage.py", "up"]
    return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_named_before_anything_starts(directory):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        done = run_up(directory, UPLINE_PORT=str(port))

    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert f"UPLINE_PORT={port + 1}" in done.stderr
    assert done.stdout == ""
    assert not list(directory.glob("pg/*"))


@pytest.mark.parametrize("port", ["http", "0", "70000", ""])
def test_a_port_that_is_none_is_refused(monkeypatch, port):
    monkeypatch.setenv("UPLINE_PORT", port)

    with pytest.raises(LauncherError, match="no port"):
        up.port_of_environment()


def test_a_reset_never_touches_an_external_database(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/upline")

    with pytest.raises(LauncherError, match="only the embedded"):
        up.empty(None)


@pytest.mark.parametrize("script", ["up", "test", "bench"])
def test_an_old_python_is_named(tmp_path, script):
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        fake = tmp_path / name
        fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
        fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    done = subprocess.run([REPOSITORY / "bin" / script], env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert done.stdout == ""


def test_the_larger_set_holds_the_smaller_one(tmp_path, monkeypatch):
    """bin/up after bin/test installs nothing: dev has every line of local, at the same version."""
    pins = {
        name: {line for line in (REPOSITORY / "requirements" / f"{name}.txt").read_text().splitlines() if "==" in line}
        for name in ("base", "local", "test", "dev", "production")
    }

    assert pins["local"] <= pins["dev"]
    assert pins["test"] <= pins["dev"]
    assert pins["production"] == pins["base"] <= pins["local"]


def test_only_changed_requirements_are_installed_again(tmp_path, monkeypatch):
    (tmp_path / "requirements").mkdir()
    for name in ("local", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
    monkeypatch.setattr(install, "REPOSITORY", tmp_path)
    monkeypatch.setattr(install, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(install, "PYTHON", sys.executable)
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install.subprocess, "run", lambda *_a, **_k: subprocess.CompletedProcess([], 0))

    install.install("dev")
    assert install.installed("dev")
    assert install.installed("local")

    (tmp_path / "requirements" / "dev.txt").write_text("dev==2\n")
    assert not install.installed("dev")
    assert install.installed("local")

    install.install("local")
    assert not install.installed("dev")


def test_a_python_without_venv_is_told_what_brings_it(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "REPOSITORY", tmp_path)
    monkeypatch.setitem(sys.modules, "ensurepip", None)

    with pytest.raises(SystemExit, match="apt install python3-venv"):
        install.make_venv()


def test_a_clone_of_somebody_else_is_left_alone(monkeypatch):
    monkeypatch.setattr(install.os, "access", lambda *_: False)

    with pytest.raises(SystemExit, match="not writable for you"):
        install.make_venv()


@pytest.mark.parametrize(
    ("root", "release", "installs"), [(True, "debian", True), (True, "ubuntu", False), (False, "debian", False)]
)
def test_chromium_is_installed_by_root_on_debian_only(monkeypatch, tmp_path, root, release, installs):
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(chromium, "is_debian", lambda: release == "debian")

    assert chromium.install() is installs
    calls = (tmp_path / "calls").read_text().splitlines() if installs else []
    assert [call.split()[-1] for call in calls] == (["update", "chromium"] if installs else [])


def test_served_processes_do_not_know_the_roles_above_them():
    assert set(up.SERVED_WITHOUT) == {"DATABASE_ADMIN_URL", "DATABASE_OWNER_URL"}
