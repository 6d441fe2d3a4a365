"""One-time rewards for what a referred person does first (A2-A11). Amounts are minor units, rates exact fractions.

A rule is never changed: setting one writes its next version, and each bonus keeps the version it was worked out by.
"""

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.core.money import exact_text, rate_text
from apps.referrals.models import Partner
from apps.wallet.models import Deposit


class Event(models.TextChoices):
    FIRST_DEPOSIT = "first_deposit", "First deposit"
    FIRST_BID = "first_bid", "First bid"


class Source(models.TextChoices):
    """What the referrer is: agents have rules of their own."""

    USER = Partner.Kind.USER.value, "User"
    AGENT = Partner.Kind.AGENT.value, "Agent"


class BonusRule(SiteModel):
    """A version of what a type of bonus pays. The newest of a type is in force; `is_active` False pays nothing."""

    class Type(models.TextChoices):
        FIRST_DEPOSIT = "first_deposit", "First deposit, by a user"
        AGENT_FIRST_DEPOSIT = "agent_first_deposit", "First deposit, by an agent"
        FIRST_BID = "first_bid", "First bid, by a user"
        AGENT_FIRST_BID = "agent_first_bid", "First bid, by an agent"

    class Kind(models.TextChoices):
        PERCENT = "percent", "Percent of the amount"
        FIXED = "fixed", "Fixed"

    type = models.CharField(max_length=20, choices=Type)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=7, choices=Kind)
    rate = models.DecimalField(max_digits=9, decimal_places=8, null=True)
    flat_amount = models.BigIntegerField(null=True)
    min_deposit = models.BigIntegerField(default=0)
    cap = models.BigIntegerField(null=True)
    auto_credit = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "bonus rule"
        constraints = [
            models.UniqueConstraint(fields=["site", "type", "version"], name="bonuses_rule_version_once"),
            models.CheckConstraint(
                condition=Q(kind="percent", rate__gte=0, rate__lte=1, flat_amount__isnull=True)
                | Q(kind="fixed", flat_amount__gte=0, rate__isnull=True),
                name="bonuses_rule_value_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(min_deposit__gte=0) & (Q(cap__isnull=True) | Q(cap__gte=1)), name="bonuses_rule_limits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()}, version {self.version}"

    @property
    def value(self) -> str | int:
        """As the API has it: a fraction string, or minor units."""
        return rate_text(self.rate or Decimal(0)) if self.kind == self.Kind.PERCENT else self.flat_amount or 0


class FirstEvent(SiteModel):
    """That somebody's first deposit or bid has been used, once for ever. Only an applied bonus or the daily cap uses it up."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    event_type = models.CharField(max_length=13, choices=Event)
    event_ref = models.CharField(max_length=128)
    used_by = models.CharField(max_length=20, default="bonus")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "user", "event_type"], name="bonuses_first_event_once")]
        indexes = [models.Index(fields=["site", "event_ref"], name="bonuses_first_event_ref")]

    def __str__(self) -> str:
        return f"{self.get_event_type_display()} {self.event_ref}"


class ReportedRefund(SiteModel):
    """That so much of a deposit made elsewhere went back, as a service reported it. Each `refund_ref` counts once, for ever."""

    deposit_ref = models.CharField(max_length=128)
    refund_ref = models.CharField(max_length=128)
    amount = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "reported refund"
        constraints = [
            models.UniqueConstraint(fields=["site", "deposit_ref", "refund_ref"], name="bonuses_refund_once"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="bonuses_refund_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.deposit_ref} {self.refund_ref}"


class DailyCount(SiteModel):
    """How many bonuses a referrer was given on a day of the site. Written by one upsert that stops at the cap (R22)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    day = models.DateField()
    n = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "user", "day"], name="bonuses_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.n}"


class Bonus(SiteModel):
    """A reward of one referrer for one first event. `reversed_amount` is what refunds of the deposit have taken from it."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waits"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        CREDITED = "credited", "Credited"
        FROZEN = "frozen", "Frozen"
        REVERSED = "reversed", "Reversed"

    class Approval(models.TextChoices):
        AUTO = "auto", "Credited by itself"
        MANUAL = "manual", "By staff"

    # What the database allows too (migration 0001, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.APPROVED, Status.REJECTED, Status.CREDITED, Status.FROZEN),
        Status.APPROVED: (Status.CREDITED, Status.REJECTED, Status.FROZEN),
        Status.FROZEN: (Status.PENDING,),
        Status.CREDITED: (Status.REVERSED,),
    }
    OPEN: ClassVar[tuple[str, ...]] = (Status.PENDING, Status.APPROVED, Status.FROZEN)

    referrer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    referred = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    source = models.CharField(max_length=5, choices=Source)
    event_type = models.CharField(max_length=13, choices=Event)
    event = SiteForeignKey(FirstEvent, models.PROTECT, related_name="bonuses")
    deposit = SiteForeignKey(Deposit, models.PROTECT, related_name="bonuses", null=True)
    rule = SiteForeignKey(BonusRule, models.PROTECT, related_name="bonuses")
    base_amount = models.BigIntegerField()
    exact = models.DecimalField(max_digits=38, decimal_places=8)
    amount = models.BigIntegerField()
    reversed_amount = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status)
    approval_mode = models.CharField(max_length=6, choices=Approval)
    flagged_fraud = models.BooleanField(default=False)
    fraud_notes = models.CharField(max_length=500, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    device_id = models.CharField(max_length=128, blank=True, default="")
    ip_address = models.CharField(max_length=64, blank=True, default="")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True)
    credited_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "bonuses"
        constraints = [
            models.UniqueConstraint(fields=["site", "event"], name="bonuses_event_once"),
            models.CheckConstraint(condition=Q(amount__gte=1, base_amount__gte=0), name="bonuses_amount_positive"),
            models.CheckConstraint(
                condition=Q(reversed_amount__gte=0, reversed_amount__lte=F("amount")), name="bonuses_reversed_within"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["credited", "reversed"]) | Q(credited_at__isnull=False),
                name="bonuses_credited_when",
            ),
            models.CheckConstraint(condition=~Q(referrer=F("referred")), name="bonuses_not_of_oneself"),
        ]
        indexes = [
            models.Index(fields=["site", "referrer", "id"], name="bonuses_referrer"),
            models.Index(fields=["site", "referred", "id"], name="bonuses_referred"),
            models.Index(fields=["site", "status", "id"], name="bonuses_status"),
            models.Index(fields=["site", "device_id", "created_at"], name="bonuses_device", condition=~Q(device_id="")),
            models.Index(fields=["site", "ip_address", "created_at"], name="bonuses_ip", condition=~Q(ip_address="")),
            models.Index(fields=["site", "deposit"], name="bonuses_deposit", condition=Q(deposit__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"BO-{self.pk.hex[-8:].upper()}"

    @property
    def rest(self) -> int:
        """What is owed of it, or was credited and stays."""
        return self.amount - self.reversed_amount

    @property
    def tone(self) -> str:
        """What the design kit calls the state."""
        return "paid" if self.status == self.Status.CREDITED else self.status

    @property
    def ref_type(self) -> str:
        return REF_TYPES[self.source]

    @property
    def explained(self) -> dict[str, Any]:
        """How the amount came about: from this alone anybody computes it again."""
        rule = self.rule
        return {
            "rule": {
                "type": rule.type, "version": rule.version, "kind": rule.kind, "value": rule.value,
                "min_deposit": rule.min_deposit, "cap": rule.cap,
            },
            "base_amount": self.base_amount, "exact": exact_text(self.exact), "rounding": "half_up",
            "capped": rule.cap is not None and self.exact > rule.cap, "amount": self.amount,
        }  # fmt: skip

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A bonus can't go from {self.status} to {to}.")
        self.status = to


REF_TYPES: dict[str, str] = {Source.USER: "referral_bonus", Source.AGENT: "agent_referral_bonus"}
"""Of a credit in the ledger, by source; its ref_id is the bonus's id."""
