"""Reading across sites (P3): as the audit role, which sees every site's rows and can write nothing, refused twice."""

from typing import Any

import psycopg
import pytest
from django.db import InternalError, ProgrammingError, connection, connections, transaction

from apps.accounts.models import Membership, RefreshToken, User
from apps.core.errors import DomainError
from apps.core.ids import uuid7
from apps.core.postgresql.across import hidden_columns
from apps.core.postgresql.prepared import fetch_prepared
from apps.core.tenancy import across_sites, current_site_id, known_sites, reading_across, site_context
from apps.sites import registry
from apps.sites.models import Site, SiteSettings

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit"])


@pytest.fixture
def alpha(transactional_db):
    return registry.by_code("ALPHA").pk


@pytest.fixture
def members(alpha):
    """Ann at ALPHA, Ben at BETA."""
    for code, name in (("ALPHA", "ann"), ("BETA", "ben")):
        with site_context(registry.by_code(code).pk):
            user = User.objects.create_user(email=f"{name}@example.com", password="a good long phrase")
            Membership.objects.create(user=user)


def emails():
    return sorted(Membership.objects.select_related("user").values_list("user__email", flat=True))


def test_rows_of_every_site_are_read_and_of_one_where_one_is_named(members, alpha):
    with site_context(alpha):
        assert emails() == ["ann@example.com"]
        with across_sites():
            assert (reading_across(), current_site_id()) == (True, None)
            assert emails() == ["ann@example.com", "ben@example.com"]
            for code, email in (("ALPHA", "ann@example.com"), ("BETA", "ben@example.com")):
                with site_context(registry.by_code(code).pk, using="audit"):
                    assert emails() == [email]
            assert len(emails()) == 2
            assert fetch_prepared("SELECT count(*) FROM accounts_membership", []) == [(2,)]
        assert emails() == ["ann@example.com"]
        assert current_site_id() == alpha


def test_a_secret_column_comes_back_empty(members):
    assert {("accounts_user", "password"), ("accounts_user", "token_version")} <= hidden_columns("audit")
    with across_sites():
        found = Membership.objects.select_related("user").order_by("pk")[0].user

    assert (found.email, found.password) == ("ann@example.com", None)


def test_a_secret_table_is_not_read_at_all(members):
    with pytest.raises(ProgrammingError, match="permission denied"), across_sites():
        list(RefreshToken.objects.all())
    with pytest.raises(ProgrammingError, match="permission denied"), across_sites():
        User.objects.filter(password="x").exists()


WRITES: dict[str, Any] = {
    "create": lambda: Membership.objects.create(user_id=uuid7()),
    "update": lambda: SiteSettings.objects.update(payout_minimum=5),
    "save": lambda: SiteSettings.objects.get(site__code="ALPHA").save(update_fields=["payout_minimum"]),
    "delete": lambda: Membership.objects.all().delete(),
    "bulk": lambda: Membership.objects.bulk_create([Membership(user_id=uuid7())]),
    "own connection": lambda: connection.cursor().execute("UPDATE sites_sitesettings SET payout_minimum = 5"),
    "own transaction": lambda: transaction.atomic().__enter__(),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_refused_by_us(members, alpha, name):
    with pytest.raises(DomainError) as refused, site_context(alpha), across_sites():
        WRITES[name]()

    assert refused.value.code == "read_only"
    assert unchanged()


def unchanged():
    with across_sites():
        return Membership.objects.count() == 2 and not SiteSettings.objects.filter(payout_minimum=5).exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sites_sitesettings SET payout_minimum = 5",
        "DELETE FROM accounts_membership",
        "INSERT INTO sites_sitedomain (id, site_id, host) SELECT gen_random_uuid(), id, 'x.example' FROM sites_site",
        "TRUNCATE audit_auditevent",
        "CREATE TABLE mine (id int)",
    ],
)
def test_a_write_is_refused_by_the_database(members, sql):
    with pytest.raises((InternalError, ProgrammingError)) as refused, across_sites():
        connections["audit"].cursor().execute(sql)
    assert isinstance(refused.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)

    with transaction.atomic(using="audit"), connections["audit"].cursor() as cursor:
        cursor.execute("SET TRANSACTION READ WRITE")  # the grants hold by themselves
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute(sql)
        transaction.set_rollback(True, using="audit")
    assert unchanged()


def test_without_its_url_it_says_so(members, monkeypatch):
    monkeypatch.delitem(connections.databases, "audit")

    with pytest.raises(DomainError) as refused, across_sites():
        raise AssertionError
    assert refused.value.code == "audit_role_missing"


def test_every_site_is_known_by_code(alpha):
    assert [site.code for site in known_sites()] == ["ALPHA", "BETA", "DOLLAR", "GAMMA"]
    assert {site.id: site.currency for site in known_sites()} == dict(Site.objects.values_list("pk", "currency"))
