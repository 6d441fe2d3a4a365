"""The unique index over paths carries the depth: a branch is counted by level from the index alone."""

from django.db import migrations, models

NEW = models.UniqueConstraint(fields=["site", "path"], include=["depth"], name="referrals_partner_place")


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: nobody waits while a large tree is indexed

    dependencies = [("referrals", "0001_initial"), ("sites", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddConstraint("partner", NEW)],
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY referrals_partner_place ON referrals_partner (site_id, path)"
                    " INCLUDE (depth)",
                    "DROP INDEX CONCURRENTLY referrals_partner_place",
                )
            ],
        ),
        migrations.RemoveConstraint("partner", "referrals_partner_path"),
    ]
