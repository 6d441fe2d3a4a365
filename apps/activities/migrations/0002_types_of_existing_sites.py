from typing import Any

from django.db import migrations

KINDS = ("report_generation", "form_download")


def open_types(apps: Any, schema_editor: Any) -> None:
    """What `activities.services.open_types` gives a new site. The owner migrates with `app.maintenance` on, so it sees all sites;
    without it the database would refuse these rows, not lose them."""
    alias = schema_editor.connection.alias
    types = apps.get_model("activities", "ActivityType").objects.using(alias)
    sites = apps.get_model("sites", "Site").objects.using(alias).values_list("pk", flat=True)
    rows = [types.model(site_id=site_id, key=key) for site_id in sites for key in KINDS]
    types.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    """Sites that were there before activities get their kinds too, not offered until somebody sets a cost."""

    dependencies = [("activities", "0001_initial")]

    operations = [migrations.RunPython(open_types, migrations.RunPython.noop)]
