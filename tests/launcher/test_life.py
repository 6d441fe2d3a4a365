"""One instance, from its start over a killed launcher to Ctrl-C, as a person would run it."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from apps.core.launcher import up
from apps.core.launcher.processes import identity_of
from apps.core.launcher.redis import free_port
from apps.core.launcher.state import REPOSITORY

CHILDREN = {"postgres", "redis", "fake-brokers", "fake-fireblocks", "fake-stripe", "web", "worker", "beat"}


class Instance:
    def __init__(self, directory: Path, output: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.output = output
        self.launcher: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        env = {"PATH": os.environ["PATH"], "UPLINE_STATE_DIR": str(self.directory), "UPLINE_PORT": str(self.port)}
        command = [sys.executable, "manage.py", "up", "--no-demo"]
        with self.output.open("wb") as output:
            self.launcher = subprocess.Popen(
                command, cwd=REPOSITORY, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        for _ in range(600):
            text = self.output.read_text()
            if "Upline is at" in text or self.launcher.poll() is not None:
                return text
            time.sleep(0.1)
        return self.output.read_text()

    def children(self) -> dict[str, tuple[int, str]]:
        recorded = json.loads((self.directory / "processes.json").read_text())
        return {child["name"]: (child["pid"], child["identity"]) for child in recorded}

    def end(self, number: int) -> int:
        assert self.launcher
        self.launcher.send_signal(number)
        return self.launcher.wait(30)


@pytest.fixture
def instance(tmp_path):
    with tempfile.TemporaryDirectory() as made:
        instance = Instance(Path(made), tmp_path / "output")  # tmp_path is closed to the server user of root
        yield instance
        if instance.launcher and instance.launcher.poll() is None:
            instance.end(signal.SIGINT)


def alive(children: dict[str, tuple[int, str]]) -> set[str]:
    return {name for name, (pid, identity) in children.items() if identity_of(pid) == identity}


def environment_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_text()
    return ""  # no /proc on macOS


@pytest.mark.slow
def test_it_starts_recovers_and_leaves_nothing_behind(instance):
    said = instance.start()
    assert re.findall(r"^(\w+) +[\d.]+ s", said, re.MULTILINE) == ["database", "fakes", "migrate", "ready"], said
    assert up.ready(instance.port)
    first = instance.children()
    assert alive(first) == CHILDREN
    for name in ("web", "worker", "beat"):
        assert "DATABASE_OWNER_URL" not in environment_of(first[name][0])
        assert "DATABASE_ADMIN_URL" not in environment_of(first[name][0])
    assert "DATABASE_ADMIN_URL" not in (instance.directory / "env.json").read_text()

    instance.end(signal.SIGKILL)
    assert alive(first) == CHILDREN
    said = instance.start()

    assert "left behind: postgres, redis, fake-brokers, fake-fireblocks, fake-stripe, web, worker, beat" in said
    assert alive(first) == set()
    second = instance.children()
    assert alive(second) == CHILDREN

    assert instance.end(signal.SIGINT) == 0
    assert alive(second) == set()
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection("127.0.0.1", instance.port, timeout=2).connect()
