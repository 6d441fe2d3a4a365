"""One payout, and its way through a gateway."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import Sending, SiteForeignKey, SiteModel
from apps.payouts.models.methods import PayoutMethod


class Payout(SiteModel):
    """One request, from asking to the bank's reference. `amount` is held in the wallet under the payout's id."""

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        APPROVED = "approved", "Approved"
        PROCESSING = "processing", "On its way"
        COMPLETED = "completed", "Paid"
        FAILED = "failed", "Failed"
        REJECTED = "rejected", "Rejected"
        CANCELLED = "cancelled", "Cancelled"

    # What the database allows too (migration 0001, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.REQUESTED: (Status.APPROVED, Status.REJECTED, Status.CANCELLED),
        Status.APPROVED: (Status.PROCESSING, Status.REJECTED),
        Status.PROCESSING: (Status.COMPLETED, Status.FAILED),
    }
    OPEN: ClassVar[tuple[str, ...]] = (Status.REQUESTED, Status.APPROVED, Status.PROCESSING)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    method = SiteForeignKey(PayoutMethod, models.PROTECT, null=True, related_name="payouts")
    gateway = models.CharField(max_length=32, default="manual")
    reference = models.CharField(max_length=120, blank=True, default="")
    provider_state = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    processed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)
    retry_of = SiteForeignKey("self", models.PROTECT, null=True, related_name="retries")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "retry_of"], name="payouts_retried_once"),
            models.UniqueConstraint(
                fields=["site", "user"],
                condition=Q(status__in=["requested", "approved", "processing"]),
                name="payouts_one_in_progress",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payouts_amount_positive"),
        ]
        indexes = [
            models.Index(fields=["site", "user", "id"], name="payouts_payout_user"),
            models.Index(fields=["site", "status", "id"], name="payouts_payout_status"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people call it: the random end of the id."""
        return f"PO-{self.pk.hex[-8:].upper()}"

    @property
    def hold_key(self) -> str:
        return str(self.pk)

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A payout can't go from {self.status} to {to}.")
        self.status = to


UNKNOWN = "unknown"
"""The `provider_state` of a payout whose gateway has not answered."""


class PayoutTransfer(Sending):
    """A payout that a gateway pays. One for each, for ever: `key` is what the gateway knows it by. `account` is whose account at
    the gateway pays."""

    payout = SiteForeignKey(Payout, models.PROTECT, related_name="transfers")
    gateway = models.CharField(max_length=32)
    account = models.CharField(max_length=160)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "payout"], name="payouts_one_transfer"),
            models.UniqueConstraint(fields=["site", "gateway", "provider_id"], name="payouts_provider_id_once"),
        ]
        indexes = [
            models.Index(
                fields=["site", "next_at"], name="payouts_transfer_due",
                condition=Q(status__in=["waiting", "sent"]),
            ),
            models.Index(
                fields=["site", "id"], name="payouts_transfer_differs", condition=~Q(difference="")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"PT-{self.pk.hex[-8:].upper()}"

    @property
    def key(self) -> str:
        return str(self.payout_id)
