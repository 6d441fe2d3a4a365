"""What is owed to whom for a line, and why a level of a line pays nothing."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.commissions import engine
from apps.commissions.models.plans import LEVEL, PlanVersion, Rate
from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel


class CommissionQuerySet(models.QuerySet["Commission"]):
    def due(self, moment: datetime) -> "CommissionQuerySet":
        """Approved by themselves now that their hold is over."""
        return self.filter(status=Commission.Status.PENDING, auto_approve=True, hold_until__lte=moment)


class Commission(SiteModel):
    """One line × one level × one partner, or the clawback that follows a refund of one that was already paid.

    How it was computed never changes. `amount` is what it is worth now: `original_amount` less what refunds took back while
    it was unpaid. `reversed_amount` is what they took back in all, by shrinking it or by clawbacks.
    """

    class Kind(models.TextChoices):
        COMMISSION = "commission", "Commission"
        CLAWBACK = "clawback", "Clawback"

    class Source(models.TextChoices):
        ORDER = "order", "Order"
        REFUND = "refund", "Refund"

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        PAID = "paid", "Paid"
        REJECTED = "rejected", "Rejected"
        REVERSED = "reversed", "Reversed"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {  # the database has the same table, by migration 0001
        Status.PENDING: {Status.APPROVED, Status.REJECTED, Status.REVERSED},
        Status.APPROVED: {Status.PAID, Status.REVERSED},
    }

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.COMMISSION)
    source_kind = models.CharField(max_length=10, choices=Source, default=Source.ORDER)
    source_id = models.UUIDField()
    order = SiteForeignKey("orders.Order", models.PROTECT, related_name="commissions", db_index=False)
    line = SiteForeignKey("orders.OrderLine", models.PROTECT, related_name="commissions", db_index=False)
    level = models.PositiveSmallIntegerField()
    distance = models.PositiveSmallIntegerField(
        help_text="How far above the buyer; more than the level after compression."
    )
    partner = SiteForeignKey("referrals.Partner", models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    source_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )

    version = SiteForeignKey(PlanVersion, models.PROTECT, related_name="commissions", db_index=False)
    override = models.BooleanField(help_text="By the partner's own rate.")
    category = models.CharField(max_length=64)
    rule_category = models.CharField(max_length=64)
    rule_kind = models.CharField(max_length=10, choices=Rate.Kind)
    rate = models.DecimalField(max_digits=9, decimal_places=8, null=True)
    flat_amount = models.BigIntegerField(null=True)
    cap = models.BigIntegerField(null=True)
    base_amount = models.BigIntegerField()
    exact = models.DecimalField(max_digits=38, decimal_places=8)

    original_amount = models.BigIntegerField()
    reversed_amount = models.BigIntegerField(default=0)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    auto_approve = models.BooleanField()
    hold_until = models.DateTimeField()
    earned_at = models.DateTimeField(help_text="When the order was paid, or the refund made.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    approved_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True, help_text="When it was rejected, or reversed to nothing.")
    rejected_reason = models.CharField(max_length=500, blank=True, default="")

    clawback_of = SiteForeignKey("self", models.PROTECT, null=True, related_name="clawbacks", db_index=False)
    # What was refunded of the line: by a clawback before it and with it; for a commission, what is mirrored so far.
    refunded_before = models.BigIntegerField(default=0)
    refunded_after = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager["Commission"]] = CommissionQuerySet.as_manager()

    class Meta:
        constraints = [
            # Without the beneficiary: a tree that was moved cannot pay a level twice. The line stands second so that the same
            # index finds the rows of a line.
            models.UniqueConstraint(
                fields=["site", "line", "source_kind", "source_id", "level"], name="commissions_commission_once"
            ),
            models.CheckConstraint(condition=LEVEL, name="commissions_commission_level"),
            models.CheckConstraint(
                condition=models.Q(kind="commission", clawback_of=None, amount__gte=0, reversed_amount__gte=0)
                & models.Q(amount__lte=models.F("original_amount"), reversed_amount__lte=models.F("original_amount"))
                | models.Q(kind="clawback", clawback_of__isnull=False, amount__lt=0),
                name="commissions_commission_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["site", "user", "id"], name="commissions_commission_user"),
            models.Index(fields=["site", "source_user", "user"], name="commissions_commission_source"),
            models.Index(
                fields=["site", "hold_until"],
                condition=models.Q(status="pending", auto_approve=True),
                name="commissions_commission_due",
            ),
            models.Index(fields=["site", "status", "id"], name="commissions_commission_status"),
            models.Index(fields=["site", "order"], name="commissions_commission_order"),
        ]

    def __str__(self) -> str:
        return f"{self.category} level {self.level}"

    def advance(self, *, to: str) -> None:
        """Change the state, unsaved. Raises Conflict."""
        if to not in self.TRANSITIONS.get(self.status, set()):
            raise Conflict("invalid_state", f"A commission that is {self.status} can't become {to}.")
        self.status = to

    @property
    def is_held(self) -> bool:
        return self.hold_until > timezone.now()


class CommissionOutcome(SiteModel):
    """Why a level of a line pays nothing (X3). The levels that pay have a Commission; a line has one or the other for each."""

    class Reason(models.TextChoices):
        HOUSE = engine.Reason.HOUSE.value, "Nobody stands at this level"
        CURRENCY_MISMATCH = engine.Reason.CURRENCY_MISMATCH.value, "The order is in another currency"
        SELF_PURCHASE = engine.Reason.SELF_PURCHASE.value, "Nobody earns from what they buy themselves"
        FROZEN = engine.Reason.FROZEN.value, "The partner is frozen"
        INACTIVE_PARTNER = engine.Reason.INACTIVE_PARTNER.value, "The partner is not active"
        NO_RULE = engine.Reason.NO_RULE.value, "The plan has no rule for this category and level"
        RECURRENCE_LIMIT = (
            engine.Reason.RECURRENCE_LIMIT.value,
            "The plan pays on fewer payments for one service",
        )
        ZERO_AMOUNT = engine.Reason.ZERO_AMOUNT.value, "It rounds to nothing"
        BELOW_MINIMUM = engine.Reason.BELOW_MINIMUM.value, "It is below the plan's minimum"
        BEYOND_DEPTH = engine.Reason.BEYOND_DEPTH.value, "Above the deepest level of the plan"

    order = SiteForeignKey("orders.Order", models.PROTECT, related_name="commission_outcomes", db_index=False)
    line = SiteForeignKey("orders.OrderLine", models.PROTECT, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField()
    partner = SiteForeignKey("referrals.Partner", models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.CharField(max_length=20, choices=Reason)
    version = SiteForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "order", "line", "level"], name="commissions_outcome_once")
        ]
        indexes = [models.Index(fields=["site", "partner", "id"], name="commissions_outcome_partner")]

    def __str__(self) -> str:
        return f"level {self.level}: {self.reason}"
