"""Every mutating route: it works, it leaves nothing when it breaks half-way (R18), and stores nothing that isn't the client's
to set (R16)."""

import re

import psycopg
import pytest
from django.db import connection

from apps.core.rls import catalogue
from apps.core.tenancy import site_context
from apps.sites import registry
from tests.harness import databases
from tests.permissions.routes import api_routes
from tests.permissions.scenarios import SCENARIOS, WRITES_NOTHING, build_world, pay_at_the_fake, send

pytestmark = pytest.mark.django_db(transaction=True)

MUTATING = sorted(
    f"{route.method} {route.path.removeprefix('api/v1/')}" for route in api_routes() if route.method != "GET"
)
WRITE = re.compile(r"^\s*(INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)


@pytest.fixture
def world(transactional_alpha, fake_stripe, settings):
    settings.STRIPE_API_BASE = fake_stripe.url
    keys = {"account": "acct_alpha", "secret_key": "sk_test_alpha", "publishable_key": "pk_test_alpha"}
    fake_stripe.post("accounts", **keys)
    with site_context(transactional_alpha):
        found = build_world(transactional_alpha)
        pay_at_the_fake(found, fake_stripe)
        return found


def admin():
    """As a superuser, who sees every row."""
    return psycopg.connect(databases.admin_conninfo(databases.worker_database()))


def tables(db):
    rows = db.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    return [row[0] for row in rows]


def snapshot():
    """{table: digest of all its rows}."""
    digest = "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t"
    with admin() as db:
        return {name: db.execute(digest.format(name)).fetchone()[0] for name in tables(db)}


def changed(before, after):
    return sorted(name for name in after if after[name] != before[name])


def test_every_writer_has_a_scenario():
    assert sorted(SCENARIOS) == MUTATING


class Broken(Exception):
    """Raised right after the first write of a request."""


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_writer_leaves_nothing_when_it_breaks_and_stores_only_what_is_the_clients_to_set(world, name):
    before, of_beta = snapshot(), rows_of_beta()
    if name not in WRITES_NOTHING:
        break_after_first_write(world, name)
        assert changed(before, snapshot()) == []

    answer = send(world, name, {key: value for key, value in sentinels().items() if key not in taken_by(name)})

    assert 200 <= answer.status_code < 300, answer.content
    after = snapshot()
    assert bool(changed(before, after)) == (name not in WRITES_NOTHING)
    assert stored_sentinels() == []
    assert rows_of_beta() == of_beta


def break_after_first_write(world, name):
    """What a request does before its first write matters too, so the wrapper waits for one."""
    written = []

    def breaking(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if WRITE.match(str(sql)):
            written.append(sql)
            raise Broken
        return result

    with connection.execute_wrapper(breaking):
        answer = send(world, name)
    assert (written != [], answer.status_code) == (True, 500)
    assert answer.json()["code"] == "error"


STATES = (
    "status", "state", "role", "roles", "user_type", "kind", "is_active", "is_staff", "is_superuser", "is_system", "permissions",
)  # fmt: skip
NUMBERS = (
    "balance", "held", "consumed", "reserved", "token_version", "depth", "numchild", "version", "reversed_amount", "amount",
)  # fmt: skip
OWNERS = (
    "site",
    "site_id",
    "sponsor",
    "sponsor_id",
    "partner",
    "partner_id",
    "owner_id",
    "created_by",
    "approved_by",
    "id",
)
MARKS = ("sentinel_", "SENTINEL2345", "987654321", "1999-09-09")

# Fields that a route takes beside those of its scenario.
TAKES = {
    "POST auth/register": {"user_type"},
    "POST orders/external": {"paid_at"},
    "PATCH affiliate/link": {"is_active"},
    "PATCH admin/partners/<uuid:pk>": {"kind"},
    "POST admin/products": {"is_active"},
    "PATCH admin/products/<uuid:pk>": {"is_active"},
    "PATCH commission-plans/<uuid:plan_id>": {"depth"},
    "POST enterprise/sub-users": {"is_active"},
}


def sentinels():
    """What no client may set, each with a value that occurs nowhere else."""
    times = ("hold_until", "paid_at", "created_at", "expires_at")
    return {
        **dict.fromkeys(OWNERS, str(registry.by_code("BETA").pk)), **dict.fromkeys(STATES, "sentinel_state"),
        **dict.fromkeys(NUMBERS, 987_654_321), **dict.fromkeys(times, "1999-09-09T09:09:09Z"),
        "path": "sentinel_path", "code": "SENTINEL2345",
    }  # fmt: skip


def taken_by(name):
    return set(SCENARIOS[name][2]) | TAKES.get(name, set())


# What outside services send is kept as it came, and read by name.
KEPT_AS_IT_CAME = {"core_inboxevent"}


def stored_sentinels():
    with admin() as db:
        looked_at = set(tables(db)) - KEPT_AS_IT_CAME
        rows = {table: " ".join(row[0] for row in db.execute(f"SELECT t::text FROM {table} t")) for table in looked_at}
    return [f"{mark} in {table}" for table, text in rows.items() for mark in MARKS if mark in text]


def rows_of_beta():
    """A row that was given to another site, or made there."""
    beta = registry.by_code("BETA").pk
    with admin() as db:
        return {
            table.name: db.execute(f"SELECT count(*) FROM {table.name} WHERE site_id = %s", [beta]).fetchone()[0]
            for table in catalogue.tables(db.cursor())
        }
