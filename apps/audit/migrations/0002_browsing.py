from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """One index for each thing the log is browsed by, all ending in the id, so that the newest page of any is a range."""

    atomic = False

    dependencies = [("audit", "0001_initial")]

    operations = [
        AddIndexConcurrently("auditevent", models.Index(fields=["site", column, "id"], name=f"audit_event_{name}"))
        for column, name in (("actor_kind", "kind"), ("actor_name", "name"), ("ip", "ip"), ("request_id", "request"))
    ]
