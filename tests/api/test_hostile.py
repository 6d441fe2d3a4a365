"""R28: hostile input at every writer, field by field. 4xx, never 5xx, and nothing stored."""

import json

import pytest
from django.db import connection

from apps.core.rls import catalogue
from tests.permissions.scenarios import SCENARIOS, build_world, filled

NEVER_FINE = ["a\x00b", "\ud800", [[[[]]]] * 60]
ODD = [
    None, True, [], {}, -1, 0, 0.001, 10**30, 1e308, "", " ", "x" * 100_000, "'; DROP TABLE x; --", "%_\\", "\u202e", "١٢٣",
]  # fmt: skip


def deep(levels):
    return json.loads("[" * levels + "]" * levels)


@pytest.fixture
def world(site, fake_stripe, settings):
    settings.STRIPE_API_BASE = fake_stripe.url
    fake_stripe.post("accounts", account="acct_alpha", secret_key="sk_test_alpha", publishable_key="pk_test_alpha")
    return build_world(site.pk)


def post(world, name, body):
    """The body as text, so that what no encoder would write can be sent too."""
    who, path, _ = SCENARIOS[name]
    method, url = name.partition(" ")[0], "/api/v1/" + path.format(**world.ids)
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.clients[who].generic(method, url, text, content_type="application/json")


def rows():
    """How many rows each table has, and the newest transaction in them: a write shows in either."""
    with connection.cursor() as cursor:
        found = {}
        for table in catalogue.tables(cursor):
            cursor.execute(f"SELECT count(*), max(xmin::text::bigint) FROM {table.name}")
            found[table.name] = cursor.fetchone()
        return found


WITH_FIELDS = sorted(name for name, (_, _, body) in SCENARIOS.items() if body)


@pytest.mark.parametrize("name", WITH_FIELDS)
def test_what_can_never_be_stored_is_refused_in_every_field(world, name):
    body = filled(SCENARIOS[name][2], world.ids)
    before = rows()

    for field in body:
        for value in [*NEVER_FINE, deep(200)]:
            answer = post(world, name, {**body, field: value})
            assert 400 <= answer.status_code < 500, f"{field}={value!r:.40}: {answer.status_code}"
            assert set(answer.json()) >= {"code", "message", "errors", "request_id"}

    assert rows() == before


@pytest.mark.parametrize("name", WITH_FIELDS)
def test_odd_values_never_break_a_writer(world, name):
    body = filled(SCENARIOS[name][2], world.ids)

    for field in body:
        for value in ODD:
            answer = post(world, name, {**body, field: value})
            assert answer.status_code < 500, f"{field}={value!r:.40}: {answer.content[:200]!r}"


RAW = [
    b"", b"null", b"[]", b'"text"', b"12", b"{", b"{\"a\":NaN}", b"{\"a\":Infinity}", b"\xff\xfe", b"[" * 10_000,
    b"{\"a\":" * 10_000 + b"1" + b"}" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["POST auth/register", "POST orders/external", "POST payouts/request", "POST commission-plans"]
)
def test_a_body_that_is_no_object_is_refused(world, name):
    before = rows()

    for raw in RAW:
        if raw == b"" and name == "POST payouts/request":
            continue  # nothing is a valid body there: all that is available
        answer = post(world, name, raw)
        assert answer.status_code == 400, f"{raw[:30]!r}: {answer.status_code}"

    assert rows() == before


def test_a_body_of_ten_megabytes_is_refused_unread(world):
    answer = post(world, "POST orders/external", b'{"a":"' + b"x" * 10_000_000 + b'"}')

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
