from django.conf import settings
from django.db import migrations, models

from apps.core.rls.roles import APP

# The methods of the present site and the addresses that are a person's everywhere. `security_invoker`: row level security is
# that of who asks.
OWN_METHODS = """
CREATE VIEW payouts_ownmethod WITH (security_invoker = true) AS
    SELECT id, user_id, kind, label, created_at FROM payouts_payoutmethod WHERE removed_at IS NULL AND address_id IS NULL
    UNION ALL
    SELECT id, user_id, 'crypto'::varchar(16), label, created_at FROM accounts_cryptoaddress WHERE removed_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payouts", "0001_initial"),
        ("accounts", "0004_crypto_addresses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="payoutmethod",
            name="kind",
            field=models.CharField(
                choices=[
                    ("bank", "Bank account"),
                    ("upi", "UPI"),
                    ("stripe_connect", "Stripe"),
                    ("crypto", "Crypto address"),
                    ("manual", "By arrangement"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="payoutmethod", name="address_id", field=models.UUIDField(editable=False, null=True)
        ),
        migrations.AddConstraint(
            model_name="payoutmethod",
            constraint=models.UniqueConstraint(fields=("site", "address_id"), name="payouts_method_address_once"),
        ),
        migrations.CreateModel(
            name="OwnMethod",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bank", "Bank account"),
                            ("upi", "UPI"),
                            ("stripe_connect", "Stripe"),
                            ("crypto", "Crypto address"),
                            ("manual", "By arrangement"),
                        ],
                        max_length=16,
                    ),
                ),
                ("label", models.CharField(max_length=80)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.deletion.DO_NOTHING, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"db_table": "payouts_ownmethod", "managed": False},
        ),
        migrations.RunSQL([OWN_METHODS, f"GRANT SELECT ON payouts_ownmethod TO {APP}"], "DROP VIEW payouts_ownmethod"),
    ]
