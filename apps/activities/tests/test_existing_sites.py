"""Sites that were there before activities: the migration gives each of them its kinds."""

import importlib

import pytest
from django.apps import apps
from django.db import connections

from apps.activities.models import ActivityType
from apps.core.tenancy import site_context
from apps.sites import registry

MIGRATION = importlib.import_module("apps.activities.migrations.0002_types_of_existing_sites")


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_each_site_gets_what_it_lacks_and_keeps_what_it_has(as_admin):
    alpha, beta = (registry.by_code(code) for code in ("ALPHA", "BETA"))
    as_admin("DELETE FROM activities_activitytype WHERE site_id = %s", [alpha.pk])
    as_admin("UPDATE activities_activitytype SET cost = 700 WHERE site_id = %s", [beta.pk])

    with connections["owner"].schema_editor() as editor:
        MIGRATION.open_types(apps, editor)

    for site, cost in ((alpha, 0), (beta, 700)):
        with site_context(site.pk):
            found = ActivityType.objects.order_by("key").values_list("key", "cost", "is_active")
            assert list(found) == [("form_download", cost, False), ("report_generation", cost, False)]
