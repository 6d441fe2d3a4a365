import apps.core.ids
import apps.core.models.fields
import apps.core.tenancy
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.core.rls.operations import AppendOnly, ProtectTable


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_selling"),
        ("sites", "0004_invoices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invoice",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField()),
                ("seller", models.CharField(max_length=80)),
                ("seller_details", models.TextField(blank=True, default="")),
                ("buyer_name", models.CharField(blank=True, default="", max_length=200)),
                ("buyer_email", models.CharField(blank=True, default="", max_length=254)),
                ("issued_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "order",
                    apps.core.models.fields.SiteForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="orders.order"
                    ),
                ),
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
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("site", "order"), name="orders_invoice_once"),
                    models.UniqueConstraint(fields=("site", "number"), name="orders_invoice_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="orders_invoice_number_positive"
                    ),
                ],
            },
        ),
        ProtectTable("Invoice", grants="SELECT, INSERT"),
        AppendOnly("Invoice"),
    ]
