"""The site context, nested and not, and what the app role sees without it."""

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.core.tenancy import current_site_id, site_context
from tests.harness import databases


def visible() -> int:
    return AuditEvent.objects.count()


def test_without_a_site_every_site_table_is_empty(site, other_site):
    record(actor=SYSTEM, action="test.happened")

    assert visible() == 1
    with site_context(other_site.pk):
        assert visible() == 0
    assert visible() == 1


def test_a_nested_context_puts_the_outer_site_back_after_an_error(site, other_site):
    with pytest.raises(ZeroDivisionError), site_context(other_site.pk):
        raise ZeroDivisionError

    assert current_site_id() == site.pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_site()")
        assert cursor.fetchone()[0] == site.pk


@pytest.mark.django_db(transaction=True)
def test_the_setting_ends_with_the_transaction():
    from apps.sites import registry

    alpha = registry.by_code("ALPHA")
    with site_context(alpha.pk):
        record(actor=SYSTEM, action="test.happened")
        assert visible() == 1
    assert visible() == 0
    with transaction.atomic():
        assert visible() == 0


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_between_requests_is_replaced():
    from apps.sites import registry

    alpha = registry.by_code("ALPHA")
    keep_connection()
    kill(connection)
    with site_context(alpha.pk):
        record(actor=SYSTEM, action="test.happened")
        assert visible() == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_dies_within_a_request_is_an_error():
    from apps.sites import registry

    alpha = registry.by_code("ALPHA")
    keep_connection()
    with site_context(alpha.pk):
        assert visible() == 0
    kill(connection)
    with pytest.raises(OperationalError), site_context(alpha.pk):
        raise AssertionError("begun on a dead connection")
    connection.close()


def keep_connection() -> None:
    """One from an earlier request, as at the start of the next."""
    connection.ensure_connection()
    connection.close_at = None
    connection.close_if_unusable_or_obsolete()


def kill(victim) -> None:
    with psycopg.connect(databases.admin_conninfo(databases.worker_database()), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [victim.connection.info.backend_pid])
