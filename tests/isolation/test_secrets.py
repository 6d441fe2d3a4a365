"""R26: a dump of everything holds no credential in clear, and keys are changed while everything runs."""

import base64
import re

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.accounts.models import CryptoAddress, User
from apps.accounts.services import add_address, begin_two_factor, read_address
from apps.brokers.models import BrokerAccount
from apps.brokers.selectors import masked
from apps.brokers.services import check_of, save_account
from apps.core import crypto, rotation
from apps.core.tenancy import site_context
from tests.harness import databases
from tests.permissions.scenarios import PASSWORD, build_world

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

API_KEY, API_SECRET = "kite-live-api-key-4711", "AB1234@kite-live-session-0815"
ADDRESS = "0x52908400098527886e0f7030069857d2e4169ee7"


def dump():
    """Every row of every table, as a superuser sees it: text as PostgreSQL writes it into a dump, bytes as hex."""
    with psycopg.connect(databases.admin_conninfo(databases.worker_database())) as admin:
        tables = [row[0] for row in admin.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
                  " AND relnamespace = 'public'::regnamespace")]  # fmt: skip
        for table in tables:
            with admin.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                yield table, b"".join(bytes(part) for part in rows).decode()


@pytest.fixture
def world(transactional_alpha, settings):
    with site_context(transactional_alpha):
        found = build_world(transactional_alpha)
        ann = User.objects.get(email="ann@example.com")
        save_account(user=ann, broker_name="Zerodha", client_id="AB1234", api_key=API_KEY, api_secret=API_SECRET)
    answer = found.clients["boss"].post(
        "/api/v1/api-keys", {"name": "Kept", "scopes": ["orders.write"]}, headers={"Idempotency-Key": "one"}
    )
    with site_context(transactional_alpha):
        add_address(user=User.objects.get(email="ben@example.com"), network="polygon", address=ADDRESS)
        secret = begin_two_factor(user=User.objects.get(email="ben@example.com"), password=PASSWORD).secret
    found.secrets = {
        "broker key": API_KEY, "broker secret": API_SECRET, "address": read_one_address(), "authenticator": secret,
        "api key": answer.json()["key"], "password": PASSWORD,
    }  # fmt: skip
    return found


def read_one_address():
    return read_address(CryptoAddress.objects.get(network="polygon"))


def test_a_dump_holds_no_credential_in_clear(world):
    tables = dict(dump())

    assert len(tables) > 60
    assert "AB1234" in tables["brokers_brokeraccount"], "the dump has the rows"
    shown = {
        (name, table)
        for name, secret in world.secrets.items()
        for spelled in (secret, base64.b64encode(secret.encode()).decode().rstrip("="), secret.encode().hex())
        for table, rows in tables.items()
        if spelled in rows
    }
    assert shown == set()


def test_every_encrypted_column_is_one_that_the_rotation_knows(world):
    """What looks encrypted under a key of ours stands in a column that a model names in `sealed_columns`."""
    declared = {one.column and one.model._meta.db_table for one in rotation.columns()}
    key = crypto.key_ids()[0]
    text, raw = re.compile(rf"\b{key}:[A-Za-z0-9+/=]{{40,}}"), f"{key}:".encode().hex()

    found = {table for table, rows in dump() if text.search(rows) or raw in rows}

    assert found <= declared
    assert {
        "brokers_brokeraccount",
        "core_idempotencykey",
        "accounts_cryptoaddress",
        "accounts_twofactordevice",
    } <= found


@pytest.fixture
def keys(settings):
    old = settings.UPLINE_ENCRYPTION_KEYS[0]
    new = "next:" + base64.b64encode(b"n" * 32).decode()

    def use(*wanted):
        settings.UPLINE_ENCRYPTION_KEYS = [{"old": old, "new": new}[name] for name in wanted]

    return use


def test_keys_are_changed_while_everything_is_read(world, keys, transactional_alpha, capsys):
    keys("new", "old")
    with pytest.raises(CommandError):
        call_command("rotate_keys", "--check")
    assert "core_idempotencykey.body: 0 encrypted again; under local" in capsys.readouterr().out

    call_command("rotate_keys", "--step", "1")

    keys("new")
    with site_context(transactional_alpha):
        account = BrokerAccount.objects.get(user__email="ann@example.com")
        assert check_of(account).credentials.api_key == API_KEY
        assert check_of(account).credentials.api_secret == API_SECRET
        assert read_one_address() == world.secrets["address"]
    assert "local:" not in "".join(rows for _, rows in dump())
    call_command("rotate_keys", "--check")
    call_command("rotate_keys")
    assert "brokers_brokeraccount.api_key: 0 encrypted again; under next 2" in capsys.readouterr().out


def test_an_answer_kept_under_the_old_key_is_replayed_after_it(world, keys):
    again = {"name": "Kept", "scopes": ["orders.write"]}
    keys("new", "old")
    call_command("rotate_keys")
    keys("new")

    answer = world.clients["boss"].post("/api/v1/api-keys", again, headers={"Idempotency-Key": "one"})

    assert (answer.json()["key"], answer["Idempotent-Replayed"]) == (world.secrets["api key"], "true")


def test_whoever_saves_meanwhile_wins(world, keys, transactional_alpha, monkeypatch):
    keys("new", "old")
    page, saved = rotation._page, []

    def read_and_be_overtaken(column, *args):
        rows = page(column, *args)
        if column.name == "brokers_brokeraccount.api_key" and not saved:
            saved.append(column)
            with site_context(transactional_alpha):
                ann = User.objects.get(email="ann@example.com")
                save_account(user=ann, broker_name="Zerodha", client_id="AB1234", api_key="saved-meanwhile-99")
        return rows

    monkeypatch.setattr(rotation, "_page", read_and_be_overtaken)
    call_command("rotate_keys")

    keys("new")
    with site_context(transactional_alpha):
        account = BrokerAccount.objects.get(user__email="ann@example.com")
        assert check_of(account).credentials.api_key == "saved-meanwhile-99"


def test_what_no_key_opens_is_named_and_left_alone(world, keys, transactional_alpha, as_admin, capsys):
    with site_context(transactional_alpha):
        ann, ben = BrokerAccount.objects.order_by("user__email")
    as_admin("UPDATE brokers_brokeraccount SET api_key = %s WHERE id = %s", [ben.api_key, ann.pk])
    keys("new", "old")

    with pytest.raises(CommandError, match="1 values stand under another key than next, 1 can't be read"):
        call_command("rotate_keys")

    assert f"brokers_brokeraccount.api_key: row {ann.pk} can't be read" in capsys.readouterr().err
    with site_context(transactional_alpha):
        ann.refresh_from_db()
        assert (ann.api_key, masked(ann, "api_key")) == (ben.api_key, "••••")
