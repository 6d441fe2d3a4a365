"""Where an instance keeps its things, and who may see them."""

import json
import os
import pwd
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from apps.core.launcher import postgres, state
from apps.core.launcher.errors import AlreadyRunning, LauncherError
from apps.core.launcher.state import REPOSITORY, State

ME = pwd.getpwuid(os.geteuid())


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """As a normal user has it, whoever runs the tests."""
    monkeypatch.setattr(State, "server_user", None)
    return State(tmp_path / "instance")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_normal_user_keeps_it_in_the_clone(monkeypatch):
    monkeypatch.delenv("UPLINE_STATE_DIR", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert State.of_environment().home == REPOSITORY / ".local"


def test_root_keeps_it_under_var_lib_one_per_clone(monkeypatch):
    monkeypatch.delenv("UPLINE_STATE_DIR", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    here = State.of_environment().home
    monkeypatch.setattr(state, "REPOSITORY", Path("/elsewhere/upline"))

    assert here.parent == Path("/var/lib")
    assert here.name.startswith("upline-")
    assert State.of_environment().home != here


def test_a_chosen_directory_may_be_relative(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UPLINE_STATE_DIR", "second/../mine")

    assert State.of_environment().home == tmp_path.resolve() / "mine"


def test_secrets_are_made_once_and_are_ours_alone(instance):
    with instance.hold():
        first = instance.secrets
        assert mode(instance.home / "secrets.json") == 0o600
        assert mode(instance.logs) == mode(instance.run) == mode(instance.servers / "pg") == 0o700

    assert State(instance.home).secrets == first
    assert len(set(first.values())) == len(state.SECRETS)


def test_a_second_launcher_is_told_who_holds_the_instance(instance):
    with instance.hold():
        instance.note_holder("http://localhost:8123")

        with pytest.raises(AlreadyRunning, match="http://localhost:8123"), State(instance.home).hold():
            pass

    with State(instance.home).hold():  # and it is free afterwards
        pass


def test_a_directory_with_other_things_is_refused(instance):
    instance.home.mkdir()
    (instance.home / "thesis.txt").write_text("years of work")

    with pytest.raises(LauncherError, match="holds other things"), instance.hold():
        pass

    assert [entry.name for entry in instance.home.iterdir()] == ["thesis.txt"]


def test_a_reset_wipes_data_and_nothing_else(instance):
    with instance.hold():
        known = instance.secrets
        (instance.servers / "pg" / "PG_VERSION").write_text("18")
        instance.demo_file.write_text("{}")
        (instance.home / "notes.txt").write_text("mine")

        instance.wipe()

        assert not instance.demo_file.exists()
        assert list((instance.servers / "pg").iterdir()) == []
        assert (instance.home / "notes.txt").read_text() == "mine"
        assert State(instance.home).secrets == known


def test_the_test_run_lives_inside_and_leaves_the_outer_instance_usable(instance):
    with instance.child("test").hold():
        pass

    with instance.hold():
        assert (instance.home / "test" / "pg").is_dir()


@pytest.mark.parametrize("length", [20, 60, 200])
def test_socket_paths_fit(monkeypatch, length):
    monkeypatch.setattr(State, "server_user", None)
    deep = State(Path("/srv") / ("x" * length))

    assert len(os.fsencode(deep.run)) + len("/.s.PGSQL.5432.lock") <= 103  # macOS, the shorter of the two
    assert State(deep.home).run == deep.run


def test_a_socket_directory_of_somebody_else_is_refused(monkeypatch, tmp_path):
    stranger = tmp_path / "upline-run"
    stranger.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: ME.pw_uid + 1)

    with pytest.raises(LauncherError, match="belongs to another user"):
        state.private(stranger)


def test_what_the_server_user_cannot_reach_goes_elsewhere(monkeypatch, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    nobody = pwd.struct_passwd(("nobody", "x", 65534, 65534, "", "/", "/bin/false"))
    monkeypatch.setattr(State, "server_user", nobody)

    assert State(closed / "instance").servers.parent == Path("/var/lib")
    assert state.reachable(Path("/var/lib/upline"), nobody)


def test_urls_are_libpq_uris_for_the_role_each(instance):
    with instance.hold():
        urls = postgres.urls(instance)
        parts = {name: conninfo_to_dict(url) for name, url in urls.items()}

    assert {name: (part["user"], part["dbname"]) for name, part in parts.items()} == {
        "DATABASE_ADMIN_URL": ("postgres", "postgres"),
        "DATABASE_OWNER_URL": ("upline_owner", "upline"),
        "DATABASE_URL": ("upline_app", "upline"),
        "DATABASE_AUDIT_URL": ("upline_audit", "upline"),
    }
    assert {part["host"] for part in parts.values()} == {str(instance.run)}
    assert parse_qs(urlsplit(urls["DATABASE_URL"]).query)["port"] == ["5432"]


class TestAnotherTerminal:
    KNOWN = {
        "DATABASE_URL": "app",
        "DATABASE_OWNER_URL": "owner",
        "REDIS_URL": "redis",
        "UPLINE_PORT": "8123",
    }

    @pytest.fixture(autouse=True)
    def running(self, monkeypatch, tmp_path):
        for name in [*self.KNOWN, "DATABASE_AUDIT_URL", "DATABASE_ADMIN_URL"]:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("UPLINE_STATE_DIR", str(tmp_path))
        (tmp_path / "env.json").write_text(json.dumps(self.KNOWN))

    def test_finds_the_instance(self):
        assert state.load_env() == self.KNOWN

    def test_named_databases_are_not_mixed_with_its_own(self, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", "theirs")

        assert state.load_env() == {"REDIS_URL": "redis", "UPLINE_PORT": "8123"}

    def test_finds_nothing_where_nothing_runs(self, tmp_path):
        (tmp_path / "env.json").unlink()

        assert state.load_env() == {}
