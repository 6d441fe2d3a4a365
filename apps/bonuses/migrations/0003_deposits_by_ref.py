from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A refund names the deposit by what the service called it."""

    atomic = False

    dependencies = [("bonuses", "0002_reported_refunds")]

    operations = [
        AddIndexConcurrently("firstevent", models.Index(fields=["site", "event_ref"], name="bonuses_first_event_ref"))
    ]
