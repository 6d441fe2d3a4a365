"""The fakes beside bin/up: where nothing else is named, on ports that stay."""

import socket
from contextlib import closing

import pytest

from apps.core.launcher import fakes
from apps.core.launcher.processes import Processes
from apps.core.launcher.state import State


@pytest.fixture
def state(tmp_path):
    made = State(tmp_path / "state")
    with made.hold():
        yield made


@pytest.fixture
def processes(state):
    made = Processes(state)
    yield made
    made.stop()


def test_a_fake_keeps_its_port_over_a_restart(state, processes):
    first = fakes.start(state, processes, {})
    processes.stop()
    second = fakes.start(state, processes, {})

    assert first == second
    assert first["UPLINE_STRIPE_PAY_URL"] == f"{first['STRIPE_API_BASE']}/pay/"
    assert fakes.answers(int(first["STRIPE_API_BASE"].rpartition(":")[2]))
    assert [child.name for child in processes.children] == ["fake-brokers", "fake-fireblocks", "fake-stripe"]


def test_another_takes_the_place_of_a_taken_port(tmp_path):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        (tmp_path / "ports.json").write_text(f'{{"stripe": {taken}}}')

        found = fakes.keep_ports(tmp_path / "ports.json", ["stripe"])

    assert found["stripe"] != taken
    assert fakes.keep_ports(tmp_path / "ports.json", ["stripe"]) == found


def test_no_fake_stands_where_another_address_is_named(state, processes):
    named = {"STRIPE_API_BASE": "https://api.stripe.com", "FIREBLOCKS_API_BASE": "https://api.fireblocks.io",
             "ANGELONE_API_BASE": "https://apiconnect.angelone.in"}  # fmt: skip

    assert fakes.start(state, processes, named) == {}
    assert processes.children == []


def test_no_fake_stands_where_the_code_has_none(state, processes, monkeypatch):
    monkeypatch.setattr(fakes, "REPOSITORY", state.home)

    assert fakes.start(state, processes, {}) == {}
