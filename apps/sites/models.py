"""Tenants. `Site` and its hosts are shared by all, since a request is matched to them before any site is known; what a site
has decided about its program is `SiteSettings`, which other sites can't see."""

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from apps.core.ids import uuid7
from apps.core.models import SiteModel

MINUTES_A_DAY = 24 * 60
DAYS_A_WEEK = 7


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Not a time zone of the IANA database, such as Asia/Kolkata.")


class Site(models.Model):
    """A tenant. `code` is what clients send in X-Site-Code and what a token carries; it never changes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=20, unique=True, validators=[RegexValidator(r"^[A-Z][A-Z0-9_]{1,19}$")])
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$")])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    hue = models.PositiveSmallIntegerField(default=264, validators=[MaxValueValidator(359)])
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class SiteDomain(models.Model):
    """A host that is this site, beside `<code>.<platform host>`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253, unique=True, validators=[RegexValidator(r"^[a-z0-9.-]+$")])

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


class SiteSettings(SiteModel):
    """What the operator of a site has decided. One row per site."""

    class Activation(models.TextChoices):
        NONE = "none", "Everybody is a partner at once"
        REQUIRED = "required", "By a fee or a qualifying purchase"

    class PayoutSchedule(models.TextChoices):
        ON_REQUEST = "on_request", "When a partner asks"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"

    class WithoutMethod(models.TextChoices):
        WAITS = "waits", "Their earnings wait"
        MANUAL = "manual", "By arrangement"
        WALLET = "wallet", "Into their funds"

    class Attribution(models.TextChoices):
        LAST_CLICK = "last_click", "Last click"
        FIRST_CLICK = "first_click", "First click"

    activation = models.CharField(max_length=10, choices=Activation, default=Activation.NONE)
    activation_fee = models.BigIntegerField(default=0, validators=[MinValueValidator(0)], help_text="Minor units.")
    qualifying_categories = models.JSONField(default=list, blank=True, help_text="A paid order of one activates.")
    attribution = models.CharField(max_length=12, choices=Attribution, default=Attribution.LAST_CLICK)
    attribution_days = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    payout_minimum = models.BigIntegerField(default=1, validators=[MinValueValidator(1)], help_text="Minor units.")
    payout_cooldown_hours = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(8784)], help_text="After a completed payout."
    )
    method_cooldown_hours = models.PositiveSmallIntegerField(
        "new methods rest", default=24, validators=[MaxValueValidator(720)],
        help_text="Hours in which nothing goes to a payout method or address that joins or replaces another. 0 never.",
    )  # fmt: skip
    payout_schedule = models.CharField(
        max_length=10, choices=PayoutSchedule, default=PayoutSchedule.ON_REQUEST,
        help_text="A batch is proposed for people to approve; nothing is paid by a timer.",
    )  # fmt: skip
    payout_day = models.PositiveSmallIntegerField(
        "day", default=1, validators=[MinValueValidator(1), MaxValueValidator(28)],
        help_text="Of the month, 1–28; of the week, 1 (Monday) – 7 (Sunday).",
    )  # fmt: skip
    payout_net_days = models.PositiveSmallIntegerField(
        "net days", default=0, validators=[MaxValueValidator(180)],
        help_text="Scheduled batches pay what was earned so many days before; younger earnings wait for the next.",
    )  # fmt: skip
    payout_without_method = models.CharField(
        "in batches, those without a method", max_length=8, choices=WithoutMethod, default=WithoutMethod.WAITS,
    )  # fmt: skip
    payout_asset = models.CharField(
        "stablecoin", max_length=64, blank=True, default="", validators=[RegexValidator(r"^[A-Za-z0-9_.-]+$")],
        help_text="The custodian's name of what stands one to one for the site's currency. Empty: crypto is paid by hand.",
    )  # fmt: skip
    payout_network = models.CharField(
        "its network", max_length=16, default="ethereum", validators=[RegexValidator(r"^[a-z]{1,16}$")],
    )  # fmt: skip
    tax_year_month = models.PositiveSmallIntegerField(
        "tax year begins in", default=1, validators=[MinValueValidator(1), MaxValueValidator(12)],
        help_text="The month in which its tax year begins: 1 is January, 4 April.",
    )  # fmt: skip
    order_minutes = models.PositiveSmallIntegerField(
        "minutes to pay", default=30, validators=[MinValueValidator(5), MaxValueValidator(MINUTES_A_DAY)],
        help_text="An order that is not paid by then lapses and gives back what it took from stock.",
    )  # fmt: skip
    invoice_details = models.TextField(
        "seller on invoices", blank=True, default="", max_length=500,
        help_text="Address, tax number and the like, under the site's name on every invoice from now on.",
    )  # fmt: skip
    deposit_minimum = models.BigIntegerField(default=100, validators=[MinValueValidator(1)], help_text="Minor units.")
    deposit_maximum = models.BigIntegerField(
        default=0, validators=[MinValueValidator(0)], help_text="Minor units, of one deposit. 0 is no limit."
    )
    low_balance = models.BigIntegerField(
        "low balance", default=0, validators=[MinValueValidator(0)],
        help_text="Funds below it are called low on the wallet page. Minor units; 0 never.",
    )  # fmt: skip
    bonus_daily_cap = models.PositiveIntegerField(
        "bonuses a day", default=10, validators=[MinValueValidator(1)],
        help_text="Of one referrer, in a day of the site. The next one is not created.",
    )  # fmt: skip
    bonus_device_limit = models.PositiveSmallIntegerField(
        "bonuses of a device", default=2, validators=[MinValueValidator(1)],
        help_text="So many of one device or address may come; the next is frozen for a person to look at.",
    )  # fmt: skip
    bonus_device_hours = models.PositiveSmallIntegerField(
        "within hours", default=24, validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text="How far back bonuses of one device or address are counted.",
    )  # fmt: skip
    first_bid_category = models.CharField(
        "winning bids", max_length=64, blank=True, default="",
        help_text="A paid order with a line of this category is its buyer's first bid. Empty: only what is reported as one.",
    )  # fmt: skip
    revoke_activation_on_refund = models.BooleanField(
        "refund undoes activation", default=False, help_text="When what activated a partner is refunded in full."
    )
    landing_url = models.URLField(blank=True, default="", help_text="Where /r/{code} leads. Empty: the join page.")
    shop_origins = models.JSONField(default=list, blank=True, help_text="Origins whose pages may call the API.")
    staff_two_factor = models.BooleanField(
        "two-factor for staff", default=False, help_text="Without it, members hold no staff permission here."
    )
    step_up_minutes = models.PositiveSmallIntegerField(
        "ask again after", default=15, validators=[MaxValueValidator(MINUTES_A_DAY)],
        help_text="Minutes after which moving money asks who it is. 0 never asks.",
    )  # fmt: skip
    broker_accounts = models.BooleanField(
        "broker accounts", default=False, help_text="Members may connect their account at a broker."
    )
    four_eyes = models.BooleanField(
        "four eyes", default=False, help_text="Whoever approved a payout can't mark it as paid."
    )

    class Meta:
        verbose_name_plural = "site settings"
        constraints = [
            models.UniqueConstraint(fields=["site"], name="sites_settings_once"),
            models.CheckConstraint(condition=models.Q(payout_minimum__gte=1), name="sites_payout_minimum_positive"),
            models.CheckConstraint(condition=models.Q(activation_fee__gte=0), name="sites_activation_fee_not_negative"),
            models.CheckConstraint(
                condition=models.Q(step_up_minutes__lte=MINUTES_A_DAY), name="sites_step_up_within_a_day"
            ),
        ]

    def __str__(self) -> str:
        return "settings"

    def clean(self) -> None:
        """A day that never comes would propose nothing, and tell nobody."""
        if self.payout_schedule == self.PayoutSchedule.WEEKLY and (self.payout_day or 0) > DAYS_A_WEEK:
            raise ValidationError({"payout_day": "A week has the days 1 (Monday) to 7 (Sunday)."})
