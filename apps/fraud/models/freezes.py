"""Freezes, and what each of them holds (X11). Nothing here is released by a timer.

A freeze remembers how everything was before it, so that lifting it restores that and nothing else.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.referrals.models import Partner


class Freeze(SiteModel):
    """One decision to freeze a partner, with what depended on them then. `created_by` is nobody where the machine did."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Frozen"
        LIFTED = "lifted", "Lifted"

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="freezes")
    status = models.CharField(max_length=6, choices=Status, default=Status.ACTIVE)
    reason = models.CharField(max_length=500)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lift_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "partner"], condition=Q(status="active"), name="fraud_one_active_freeze"
            ),
            models.CheckConstraint(
                condition=Q(status="active") | Q(lifted_at__isnull=False), name="fraud_freeze_lifted_when"
            ),
        ]
        indexes = [models.Index(fields=["site", "status", "id"], name="fraud_freeze_status")]

    def __str__(self) -> str:
        return f"FR-{self.pk.hex[-8:].upper()}"

    @property
    def tone(self) -> str:
        """What the design kit calls the state."""
        return "frozen" if self.status == self.Status.ACTIVE else "approved"

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if (self.status, to) != (self.Status.ACTIVE, self.Status.LIFTED):
            raise Conflict("invalid_state", f"A freeze can't go from {self.status} to {to}.")
        self.status = to


class FreezeItem(SiteModel):
    """One thing that a freeze touched, as it was before. `amount` is minor units; of an allocation `kept` has the tokens.

    FROZEN: its own state changed, and lifting changes it back. HELD: its state stays, and nothing of it is approved, paid or
    sent as long as the partner is frozen.
    """

    class Kind(models.TextChoices):
        PARTNER = "partner", "Partner"
        COMMISSION = "commission", "Commission"
        BONUS = "bonus", "Bonus"
        PAYOUT = "payout", "Payout"
        ALLOCATION = "allocation", "Allocation"

    class Effect(models.TextChoices):
        FROZEN = "frozen", "Frozen"
        HELD = "held", "Held"

    class Outcome(models.TextChoices):
        NONE = "", "Still frozen"
        RESTORED = "restored", "As before"
        LEFT = "left", "Left as it is"

    freeze = SiteForeignKey(Freeze, models.PROTECT, related_name="items")
    partner = SiteForeignKey(Partner, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    object_id = models.UUIDField()
    name = models.CharField(max_length=80)
    effect = models.CharField(max_length=6, choices=Effect)
    state_before = models.CharField(max_length=10)
    kept: Any = models.JSONField(default=dict)
    amount = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, default=Outcome.NONE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "freeze", "kind", "object_id"], name="fraud_item_once"),
        ]
        indexes = [models.Index(fields=["site", "kind", "object_id"], name="fraud_item_object")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"
