"""What a score leads to, and who decided: the review queue, and the settings that fill it."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.fraud.models.freezes import Freeze
from apps.fraud.models.signals import Kind
from apps.referrals.models import Partner

MOST_POINTS = 1000

DEFAULT_POINTS: dict[str, int] = {
    Kind.PAYMENT_FINGERPRINT: 25,
    Kind.SPONSOR_DEVICE: 30,
    Kind.DISPOSABLE_EMAIL: 20,
    Kind.ALIASED_EMAIL: 20,
    Kind.SIGNUP_BURST: 25,
    Kind.FAST_SIGNUP: 15,
    Kind.CIRCULAR_SPONSORSHIP: 40,
    Kind.SHARED_ADDRESS: 15,
    Kind.SHARED_PAYOUT_METHOD: 40,
    Kind.BONUS_DEVICE: 20,
}


def default_points() -> dict[str, int]:
    return {str(kind): points for kind, points in DEFAULT_POINTS.items()}


class FraudSettings(SiteModel):
    """What a site makes of signals. One row at most: without one, everything is as here. Points of 0 switch a kind off."""

    note_at = models.PositiveIntegerField("a review opens at", default=20, validators=[MinValueValidator(1)])
    hold_at = models.PositiveIntegerField("money is held at", default=100, validators=[MinValueValidator(1)])
    freeze_at = models.PositiveIntegerField("the partner is frozen at", default=200, validators=[MinValueValidator(1)])
    points: Any = models.JSONField(default=default_points)
    burst_signups = models.PositiveSmallIntegerField(
        "signups of a burst", default=20, validators=[MinValueValidator(2), MaxValueValidator(200)]
    )
    burst_minutes = models.PositiveSmallIntegerField(
        "within minutes", default=10, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    fast_seconds = models.PositiveSmallIntegerField(
        "seconds from click to signup", default=3, validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text="Faster is no person.",
    )  # fmt: skip
    address_accounts = models.PositiveSmallIntegerField(
        "accounts on one address", default=5, validators=[MinValueValidator(2), MaxValueValidator(200)]
    )
    network_accounts = models.PositiveSmallIntegerField(
        "accounts on one network", default=20, validators=[MinValueValidator(2), MaxValueValidator(200)],
        help_text="A /24 of IPv4, a /56 of IPv6.",
    )  # fmt: skip
    address_hours = models.PositiveSmallIntegerField(
        "within hours", default=24, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )
    disposable_domains: Any = models.JSONField(
        "further throwaway domains", default=list, blank=True, help_text="Beside the list that comes along."
    )
    retention_days = models.PositiveSmallIntegerField(
        "days until it is forgotten", default=365, validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Then what tells who and with what is taken out of a signal that no open review or freeze needs.",
    )  # fmt: skip

    class Meta:
        verbose_name_plural = "fraud settings"
        constraints = [
            models.UniqueConstraint(fields=["site"], name="fraud_settings_once"),
            models.CheckConstraint(
                condition=Q(note_at__gte=1, note_at__lte=F("hold_at"), hold_at__lte=F("freeze_at")),
                name="fraud_thresholds_rise",
            ),
        ]

    def __str__(self) -> str:
        return "Fraud settings"

    def points_of(self, kind: str) -> int:
        return int(self.points.get(kind, DEFAULT_POINTS[kind]))

    @property
    def all_points(self) -> dict[str, int]:
        """Of every kind, also those that came after the row was written."""
        return {kind: self.points_of(kind) for kind in Kind.values}

    def level_of(self, score: int) -> str:
        """ "" below all thresholds."""
        if score >= self.freeze_at:
            return Review.Level.FREEZE
        if score >= self.hold_at:
            return Review.Level.HOLD
        return Review.Level.NOTE if score >= self.note_at else ""


class Review(SiteModel):
    """A partner whose score passed a threshold, until a person decides: CLEARED, and its signals count no more; or CONFIRMED, and
    the partner is frozen.

    `level` only rises while it is open: NOTE stands in the queue, HOLD lets nothing out of the wallet and no bonus credit itself,
    FREEZE has the machine freeze the partner (`freeze`).
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLEARED = "cleared", "Cleared"
        CONFIRMED = "confirmed", "Confirmed"

    class Level(models.TextChoices):
        NOTE = "note", "To look at"
        HOLD = "hold", "Money held"
        FREEZE = "freeze", "Frozen"

    LEVELS: ClassVar[tuple[str, ...]] = (Level.NOTE, Level.HOLD, Level.FREEZE)
    HOLDS: ClassVar[tuple[str, ...]] = (Level.HOLD, Level.FREEZE)
    # What the database allows too (migration 0002, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.OPEN: (Status.CLEARED, Status.CONFIRMED)}

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="reviews")
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    level = models.CharField(max_length=6, choices=Level)
    score = models.PositiveIntegerField()
    freeze = SiteForeignKey(Freeze, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "partner"], condition=Q(status="open"), name="fraud_one_open_review"
            ),
            models.CheckConstraint(
                condition=Q(status="open") | Q(decided_at__isnull=False), name="fraud_review_decided_when"
            ),
        ]
        indexes = [
            models.Index(fields=["site", "status", "id"], name="fraud_review_status"),
            models.Index(fields=["site", "partner", "id"], name="fraud_review_partner"),
        ]

    def __str__(self) -> str:
        return f"RV-{self.pk.hex[-8:].upper()}"

    @property
    def tone(self) -> str:
        """What the design kit calls the state."""
        return {"open": "pending", "cleared": "approved", "confirmed": "frozen"}[self.status]

    @property
    def level_tone(self) -> str:
        return {"note": "pending", "hold": "rejected", "freeze": "frozen"}[self.level]

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A review can't go from {self.status} to {to}.")
        self.status = to
