import apps.core.ids
import apps.core.tenancy
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """The account moves down, so that payouts may send by it too. The table stays where it is: only Django's state changes."""

    initial = True

    dependencies = [("allocations", "0001_initial"), ("sites", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="CustodyAccount",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("gateway", models.CharField(default="fireblocks", max_length=32)),
                        ("api_key", models.TextField()),
                        ("private_key", models.TextField()),
                        ("webhook_key", models.TextField(blank=True, default="")),
                        ("workspace_id", models.CharField(max_length=64)),
                        ("vault_id", models.CharField(max_length=64)),
                        (
                            "asset_id",
                            models.CharField(
                                max_length=64, validators=[django.core.validators.RegexValidator("^[A-Za-z0-9_.-]+$")]
                            ),
                        ),
                        (
                            "symbol",
                            models.CharField(
                                max_length=16, validators=[django.core.validators.RegexValidator("^[A-Z0-9]{1,16}$")]
                            ),
                        ),
                        (
                            "network",
                            models.CharField(
                                choices=[
                                    ("ethereum", "Ethereum"),
                                    ("polygon", "Polygon"),
                                    ("bnb", "BNB Chain"),
                                    ("bitcoin", "Bitcoin"),
                                    ("tron", "Tron"),
                                    ("solana", "Solana"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "decimals",
                            models.PositiveSmallIntegerField(
                                default=18, validators=[django.core.validators.MaxValueValidator(18)]
                            ),
                        ),
                        ("is_active", models.BooleanField(default=True)),
                        ("changed_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        (
                            "site",
                            models.ForeignKey(
                                db_index=False,
                                default=apps.core.tenancy.current_site_id,
                                editable=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="sites.site",
                            ),
                        ),
                    ],
                    options={"db_table": "allocations_custodyaccount"},
                ),
                migrations.AddConstraint(
                    model_name="custodyaccount",
                    constraint=models.UniqueConstraint(fields=("site",), name="allocations_custody_once"),
                ),
                migrations.AddConstraint(
                    model_name="custodyaccount",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("decimals__lte", 18)), name="allocations_custody_decimals"
                    ),
                ),
            ]
        )
    ]
