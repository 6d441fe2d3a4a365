"""T8 as a member meets it: one account, mine, whose keys never come out again."""

import json

import pytest

from apps.audit.models import AuditEvent
from apps.brokers.models import BrokerAccount
from apps.core import crypto
from fakes.brokers import FakeBrokers

URL = "/api/v1/broker-account"
KEYS = {
    "broker_name": "Zerodha",
    "client_id": "AB1234",
    "api_key": "kite-key-0123456789",
    "api_secret": "AB1234@session-987654",
}


@pytest.fixture
def fake_brokers(settings):
    server = FakeBrokers().start()
    settings.ZERODHA_API_BASE, settings.ANGELONE_API_BASE = f"{server.url}/zerodha", f"{server.url}/angelone"
    yield server
    server.stop()


def connected(client):
    return client.get("/api/v1/auth/me").json()["broker_connected"]


def test_a_member_connects_changes_and_removes_their_account(api, make_user, fake_brokers):
    client = api(make_user())
    missing = client.get(URL)
    assert (missing.status_code, missing.json()["code"], connected(client)) == (404, "not_found", False)

    saved = client.put(URL, KEYS)

    assert saved.status_code == 200
    shown = saved.json()
    assert (shown["broker_name"], shown["client_id"], shown["status"]) == ("Zerodha", "AB1234", "verified")
    assert (shown["api_key"], shown["api_secret"]) == ("••••6789", "••••7654")
    assert client.get(URL).json() == shown
    assert connected(client)

    angel = {**KEYS, "broker_name": "angelone", "client_id": "C77", "api_key": "short", "api_secret": "C77@jwt"}
    changed = client.put(URL, angel).json()

    assert (changed["broker_name"], changed["status"], changed["api_key"]) == ("AngelOne", "verified", "••••")
    assert BrokerAccount.objects.count() == 1

    assert client.delete(URL).status_code == 204
    assert client.delete(URL).status_code == 404
    assert not connected(client)
    actions = list(
        AuditEvent.objects.filter(action__startswith="broker_account").order_by("id").values_list("action", flat=True)
    )
    assert actions == [
        "broker_account.saved", "broker_account.verified", "broker_account.saved", "broker_account.verified",
        "broker_account.removed",
    ]  # fmt: skip
    told = json.dumps([[event.before, event.after, event.target_name] for event in AuditEvent.objects.all()])
    assert not any(secret in told for secret in ("kite-key", "session-9876", "short", "C77@jwt"))


@pytest.mark.parametrize(
    ("broker", "change"),
    [
        ("Zerodha", {"api_key": "refuse-this-key-0001"}), ("Zerodha", {"client_id": "XX9999"}),
        ("AngelOne", {"api_key": "refuse-this-key-0001"}), ("AngelOne", {"client_id": "XX9999"}),
    ],
)  # fmt: skip
def test_keys_that_the_broker_refuses_are_kept_and_not_connected(api, make_user, fake_brokers, broker, change):
    client = api(make_user())

    saved = client.put(URL, {**KEYS, "broker_name": broker, **change})

    assert (saved.status_code, saved.json()["status"]) == (200, "refused")
    assert saved.json()["failure"]
    assert not connected(client)


def test_a_broker_that_does_not_answer_is_asked_another_time(api, make_user, fake_brokers):
    fake_brokers.down = True
    client = api(make_user())

    saved = client.put(URL, KEYS)

    assert (saved.status_code, saved.json()["status"], connected(client)) == (200, "unverified", True)


def test_without_a_session_token_the_broker_is_not_asked(api, make_user, fake_brokers):
    saved = api(make_user()).put(URL, {**KEYS, "api_secret": None})

    assert (saved.json()["status"], saved.json()["api_secret"], fake_brokers.asked) == ("unverified", "", [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"broker_name": "Nobody"}, "broker_name"), ({"api_key": ""}, "api_key"), ({"api_key": "a b"}, "api_key"),
        ({"api_key": "a\nX-Evil: 1"}, "api_key"), ({"client_id": "x" * 65}, "client_id"), ({"api_secret": ["x"]}, "api_secret"),
    ],
)  # fmt: skip
def test_what_is_no_account_is_refused_and_nothing_kept(api, make_user, change, field):
    answer = api(make_user()).put(URL, {**KEYS, **change})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert not BrokerAccount.objects.exists()


def test_nobody_reaches_anothers(api, make_user):
    """Not by a role, not by an id in a body, not by a key of a shop."""
    ann, boss = make_user("ann@example.com"), make_user("boss@example.com", roles=["super_admin"])
    api(ann).put(URL, KEYS)
    account = BrokerAccount.objects.get()

    assert api(boss).get(URL).status_code == 404
    assert api(boss).delete(URL).status_code == 404
    stolen = api(boss).put(URL, {**KEYS, "id": str(account.pk), "user_id": str(ann.pk), "user": str(ann.pk)})

    assert stolen.status_code == 200
    assert {row.user_id for row in BrokerAccount.objects.all()} == {ann.pk, boss.pk}
    assert crypto.opened(BrokerAccount.objects.get(user=ann), "api_key") == KEYS["api_key"]


def test_a_ciphertext_in_another_row_column_or_site_opens_nothing(api, make_user):
    """R26."""
    for name in ("ann", "ben"):
        api(make_user(f"{name}@example.com")).put(URL, KEYS)
    mine, theirs = BrokerAccount.objects.order_by("id")

    with pytest.raises(crypto.Undecryptable):
        crypto.decrypt(theirs.api_key, context=crypto.place(mine, "api_key"))
    mine.api_key = theirs.api_key
    with pytest.raises(crypto.Undecryptable):
        crypto.opened(mine, "api_key")
    mine.api_key = theirs.api_secret
    with pytest.raises(crypto.Undecryptable):
        crypto.opened(mine, "api_key")


def test_an_answer_about_old_keys_says_nothing_about_new_ones(make_user):
    from apps.brokers import services

    user = make_user()
    first = services.save_account(user=user, **KEYS)
    services.save_account(user=user, **KEYS | {"api_key": "another-key-98765"})

    services.note_check(check=first, status="refused", failure="bad")

    assert BrokerAccount.objects.get().status == "unverified"
