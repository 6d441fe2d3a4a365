"""The site context, nested and not, and what the app role sees without it."""

import pytest
from django.db import connection, transaction

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.core.tenancy import current_site_id, site_context


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
