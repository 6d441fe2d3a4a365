from django.db import migrations, models

from apps.core.rls.operations import GrantUpdate


class Migration(migrations.Migration):
    dependencies = [
        ("commissions", "0002_outcome_partner_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="commission",
            name="closed_at",
            field=models.DateTimeField(help_text="When it was rejected, or reversed to nothing.", null=True),
        ),
        GrantUpdate("Commission", ["closed_at"]),
    ]
