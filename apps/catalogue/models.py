"""What a site sells: products, and tiers of tokens (P8). Prices are minor units of the site's currency."""

from decimal import Decimal

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.models import SiteModel

SERVICE_PERIODS = [("month", "A month"), ("year", "A year")]


class Product(SiteModel):
    """Something with a price. `inventory` is the units nobody has bought or reserved yet; null is as many as anybody wants.

    What has `tokens` is a tier: every unit of it owes the buyer so many (document P). What has a `period` becomes a service of
    its buyer, which ends and may be renewed (H10).
    """

    class Period(models.TextChoices):
        ONCE = "", "Bought once, kept for good"
        MONTH = "month", "A month"
        YEAR = "year", "A year"

    sku = models.CharField(max_length=64, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")])
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=1000, blank=True, default="")
    category = models.CharField(
        max_length=64,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9 _.:/-]*$")],
        help_text="What the rules of the commission plan match.",
    )
    price = models.BigIntegerField(validators=[MinValueValidator(1)], help_text="Of one unit, minor units.")
    tokens = models.DecimalField(
        max_digits=38, decimal_places=18, null=True, blank=True, validators=[MinValueValidator(Decimal("1e-18"))],
        help_text="Tokens owed for one unit. Empty: none.",
    )  # fmt: skip
    period = models.CharField(max_length=5, choices=Period, blank=True, default=Period.ONCE)
    inventory = models.BigIntegerField(null=True, blank=True, help_text="Units left. Empty: unlimited.")
    is_active = models.BooleanField("on sale", default=True)
    position = models.PositiveIntegerField(default=0, help_text="Lower ones are shown first.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["site", "sku"], name="catalogue_sku_once"),
            models.CheckConstraint(condition=Q(price__gte=1), name="catalogue_price_positive"),
            models.CheckConstraint(condition=Q(tokens=None) | Q(tokens__gt=0), name="catalogue_tokens_positive"),
            # The last wall against selling what isn't there.
            models.CheckConstraint(
                condition=Q(inventory=None) | Q(inventory__gte=0), name="catalogue_inventory_not_negative"
            ),
            models.CheckConstraint(condition=Q(period__in=["", "month", "year"]), name="catalogue_period_known"),
        ]
        indexes = [models.Index(fields=["site", "is_active", "position", "id"], name="catalogue_product_shown")]

    def __str__(self) -> str:
        return self.name
