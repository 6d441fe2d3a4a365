from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Who else signed in from an address: asked whenever somebody is looked into."""

    atomic = False

    dependencies = [("accounts", "0006_sub_users")]

    operations = [
        AddIndexConcurrently("signin", models.Index(fields=["site", "ip", "user"], name="accounts_sign_in_ip"))
    ]
