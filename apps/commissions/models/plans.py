"""What a site pays for: plans, their versions, the rules of a version, and partners with rates of their own."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from apps.commissions import engine
from apps.core import money
from apps.core.models import SiteForeignKey, SiteModel

LEVEL = models.Q(level__gte=1, level__lte=engine.MAX_DEPTH)
# A rule is either a fraction of an amount or minor units for each unit, never both.
ONE_VALUE = models.Q(kind="percent", rate__isnull=False, rate__gte=0, rate__lte=1, flat_amount=None) | models.Q(
    kind="flat", flat_amount__isnull=False, flat_amount__gte=0, flat_amount__lte=engine.MAX_FLAT, rate=None
)
CAP = models.Q(cap=None) | models.Q(cap__gte=0)


class CommissionPlan(SiteModel):
    """What stays the same over all versions of a plan: its id."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return str(self.pk)


class PlanVersionQuerySet(models.QuerySet["PlanVersion"]):
    def published(self) -> "PlanVersionQuerySet":
        return self.filter(status=PlanVersion.Status.PUBLISHED)

    def drafts(self) -> "PlanVersionQuerySet":
        return self.filter(status=PlanVersion.Status.DRAFT)

    def in_force(self, moment: datetime) -> "PlanVersion | None":
        """The version that orders recorded at `moment` are paid by: whichever of the site's was published last."""
        return self.published().filter(published_at__lte=moment).order_by("-published_at", "-id").first()


class PlanVersion(SiteModel):
    """The terms of a plan. A draft is edited in place; published, neither it nor its rules ever change again (X2).

    The database refuses that too (migration 0001).
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    class Base(models.TextChoices):
        ORDER = "order", "Every level takes its percent of the order"
        COMMISSION = "commission", "Levels above the first take theirs of the level 1 amount"

    class Compression(models.TextChoices):
        NONE = "none", "An inactive partner's level pays nothing"
        STANDARD = "standard", "An inactive partner is skipped, everyone above moves down a level"

    class Approval(models.TextChoices):
        MANUAL = "manual", "By staff"
        AUTO = "auto", "By itself when the hold is over"

    plan = SiteForeignKey(CommissionPlan, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    currency = models.CharField(max_length=3)
    depth = models.PositiveSmallIntegerField()
    base = models.CharField(max_length=10, choices=Base, default=Base.ORDER)
    compression = models.CharField(max_length=10, choices=Compression, default=Compression.NONE)
    approval = models.CharField(max_length=10, choices=Approval, default=Approval.MANUAL)
    hold_days = models.PositiveSmallIntegerField(default=0)
    minimum = models.BigIntegerField(default=0, help_text="A commission below this pays nothing. Minor units.")
    recurring = models.PositiveSmallIntegerField(
        "payments that pay", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1200)],
        help_text="Of one service, when it is renewed: 1 is the first only. Empty: every one.",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects: ClassVar[models.Manager["PlanVersion"]] = PlanVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "plan", "version"], name="commissions_version_once"),
            models.UniqueConstraint(
                fields=["site", "plan"], condition=models.Q(status="draft"), name="commissions_one_draft"
            ),
            models.CheckConstraint(
                condition=models.Q(depth__gte=1, depth__lte=engine.MAX_DEPTH), name="commissions_version_depth"
            ),
            models.CheckConstraint(condition=models.Q(minimum__gte=0), name="commissions_version_minimum"),
            models.CheckConstraint(
                condition=models.Q(recurring=None) | models.Q(recurring__gte=1), name="commissions_version_recurring"
            ),
            models.CheckConstraint(
                condition=models.Q(status="draft", published_at=None)
                | models.Q(status="published", published_at__isnull=False),
                name="commissions_version_published_at",
            ),
        ]
        indexes = [models.Index(fields=["site", "status", "-published_at"], name="commissions_version_in_force")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED


class Rate(SiteModel):
    """What a rule pays: the common part of a plan's rules and a partner's own."""

    class Kind(models.TextChoices):
        PERCENT = "percent", "Percent"
        FLAT = "flat", "Flat, for each unit"

    category = models.CharField(
        max_length=64, help_text="Of the order line; * for every one without a rule of its own."
    )
    level = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    rate = models.DecimalField(max_digits=9, decimal_places=money.RATE_DECIMALS, null=True, blank=True)
    flat_amount = models.BigIntegerField(null=True, blank=True, help_text="Minor units for each unit.")
    cap = models.BigIntegerField(null=True, blank=True, help_text="The most one line pays. Minor units.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.category} level {self.level}: {self.value}"

    @property
    def value(self) -> str | int:
        """As clients write it: a fraction as text, or minor units."""
        return money.rate_text(self.rate) if self.rate is not None else self.flat_amount or 0

    def to_engine(self) -> engine.Rule:
        value = self.rate if self.rate is not None else self.flat_amount or 0
        return engine.Rule(self.category, self.level, engine.Kind(self.kind), value, self.cap)


class PlanRule(Rate):
    version = SiteForeignKey(PlanVersion, models.CASCADE, related_name="rules")

    class Meta:
        ordering = ["category", "level"]
        constraints = [
            models.UniqueConstraint(fields=["site", "version", "category", "level"], name="commissions_rule_once"),
            models.CheckConstraint(condition=LEVEL, name="commissions_rule_level"),
            models.CheckConstraint(condition=ONE_VALUE, name="commissions_rule_value"),
            models.CheckConstraint(condition=CAP, name="commissions_rule_cap"),
        ]


class PartnerOverride(Rate):
    """A partner's own rate at a level (P11). Ended, never changed: an order is paid by what held when it was recorded."""

    partner = SiteForeignKey("referrals.Partner", models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["category", "level", "started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "partner", "category", "level"],
                condition=models.Q(ended_at=None),
                name="commissions_override_once",
            ),
            models.CheckConstraint(condition=LEVEL, name="commissions_override_level"),
            models.CheckConstraint(condition=ONE_VALUE, name="commissions_override_value"),
            models.CheckConstraint(condition=CAP, name="commissions_override_cap"),
        ]

    def holds_at(self, moment: datetime) -> bool:
        return self.started_at <= moment and (self.ended_at is None or moment < self.ended_at)
