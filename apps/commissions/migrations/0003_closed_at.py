from django.db import migrations, models


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
        migrations.RunSQL(
            "GRANT UPDATE (closed_at) ON commissions_commission TO upline_app",
            "REVOKE UPDATE (closed_at) ON commissions_commission FROM upline_app",
        ),
    ]
