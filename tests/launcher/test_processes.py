"""Children end when they should, and only ours."""

import os
import signal
import subprocess
import sys
import time

import pytest

from apps.core.launcher.errors import Interrupted, LauncherError
from apps.core.launcher.processes import Child, Processes, identity_of
from apps.core.launcher.state import State

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"]


@pytest.fixture
def processes(tmp_path, monkeypatch):
    monkeypatch.setattr(State, "server_user", None)
    state = State(tmp_path / "instance")
    with state.hold():
        running = Processes(state)
        yield running
        running.stop()


def test_servers_stop_after_those_that_use_them(processes):
    ended = []
    processes.start("database", SLEEP, env={}, is_server=True)
    processes.start("web", SLEEP, env={})
    stop_these = processes.stop_these
    processes.stop_these = lambda children: (ended.append([child.name for child in children]), stop_these(children))

    processes.stop()

    assert ended == [["web"], ["database"]]
    assert processes.children == []
    assert not (processes.state.home / "processes.json").exists()


def test_a_child_that_ignores_the_request_is_killed(processes, monkeypatch):
    monkeypatch.setattr("apps.core.launcher.processes.PATIENCE", 0.2)
    child = processes.start("stubborn", STUBBORN, env={})
    time.sleep(0.3)

    processes.stop()

    assert child.process.returncode == -signal.SIGKILL


def test_a_dead_child_is_reported_with_its_last_words(processes):
    processes.start("web", [sys.executable, "-c", "print('no such module'); raise SystemExit(3)"], env={})

    with pytest.raises(LauncherError, match=r"(?s)web ended \(status 3\).*no such module"):
        processes.watch()


def test_an_interrupt_ends_the_waiting(processes):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        processes.catch_signals()
        os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(Interrupted):
            processes.wait_until(lambda: False, seconds=5, what="nothing")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_what_a_killed_launcher_left_is_stopped(processes):
    left = subprocess.Popen(SLEEP, start_new_session=True)
    orphan = Child("web", left.pid, identity_of(left.pid), False, signal.SIGTERM)
    killed = Processes(processes.state)
    killed.children = [orphan]
    killed._write()

    assert processes.stop_orphans() == ["web"]
    assert left.wait(5) == -signal.SIGTERM


def test_a_reused_pid_is_left_alone(processes):
    stranger = subprocess.Popen(SLEEP, start_new_session=True)
    try:
        killed = Processes(processes.state)
        killed.children = [Child("web", stranger.pid, "an-earlier-boot:123", False, signal.SIGTERM)]
        killed._write()

        assert processes.stop_orphans() == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_dead_and_the_undead_have_no_identity():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    while gone.pid and identity_of(gone.pid):
        time.sleep(0.01)  # a zombie now: nobody has waited for it

    assert identity_of(gone.pid) is None
    gone.wait()
    assert identity_of(gone.pid) is None
    assert identity_of(os.getpid()) == identity_of(os.getpid())
