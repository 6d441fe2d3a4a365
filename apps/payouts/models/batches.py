"""Many payouts at once, and what the bank says of them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.payouts.models.methods import PayoutMethod
from apps.payouts.models.payouts import Payout


class PayoutBatch(SiteModel):
    """Many payouts decided at once: proposed by one, or by the site's schedule, approved by another.

    `digest` is of what was proposed: whoever approves says which they saw. `count` and `amount` are what would be paid. Its
    progress is its items' and their payouts'.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        RUNNING = "running", "Being sent"
        SENT = "sent", "Sent"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"

    # What the database allows too (migration 0004, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PROPOSED: (Status.RUNNING, Status.CANCELLED),
        Status.RUNNING: (Status.SENT,),
        Status.SENT: (Status.CLOSED,),
    }

    status = models.CharField(max_length=9, choices=Status, default=Status.PROPOSED)
    with_requests = models.BooleanField("approved requests")
    with_available = models.BooleanField("everybody's earnings")
    due_on = models.DateField(null=True, help_text="The day of the schedule that proposed it.")
    digest = models.CharField(max_length=64, blank=True, default="")
    currency = models.CharField(max_length=3)
    count = models.PositiveIntegerField(default=0)
    amount = models.BigIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "payout batch"
        verbose_name_plural = "payout batches"
        constraints = [models.UniqueConstraint(fields=["site", "due_on"], name="payouts_batch_due_once")]
        indexes = [models.Index(fields=["site", "status", "id"], name="payouts_batch_status")]

    def __str__(self) -> str:
        return f"PB-{self.pk.hex[-8:].upper()}"

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING

    @property
    def payouts(self) -> models.QuerySet[Payout]:
        """Those it has begun. What it left out may be in another batch, whose bank file pays it then."""
        begun = PayoutBatchItem.Status.BEGUN
        return Payout.objects.filter(batch_items__batch=self, batch_items__status=begun)

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A batch can't go from {self.status} to {to}.")
        self.status = to


class PayoutBatchItem(SiteModel):
    """One person in a batch: what they would be paid, by what, or why not (`code`). Once begun, `payout` says how far it is."""

    class Status(models.TextChoices):
        READY = "ready", "To be paid"
        BEGUN = "begun", "Begun"
        LEFT_OUT = "left_out", "Left out"

    # What the database allows too (migration 0004, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.READY: (Status.BEGUN, Status.LEFT_OUT)}

    batch = SiteForeignKey(PayoutBatch, models.PROTECT, related_name="items")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    payout = SiteForeignKey(Payout, models.PROTECT, null=True, related_name="batch_items")
    method = SiteForeignKey(PayoutMethod, models.PROTECT, null=True, related_name="+")
    gateway = models.CharField(max_length=32, blank=True, default="")
    amount = models.BigIntegerField()
    owed = models.BigIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status)
    code = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "batch", "user"], name="payouts_batch_user_once")]
        indexes = [
            models.Index(fields=["site", "batch", "id"], name="payouts_item_batch"),
            models.Index(
                fields=["site", "batch", "id"], name="payouts_item_ready", condition=Q(status="ready")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.user_id}"


class PayoutResultFile(SiteModel):
    """What the bank says of a batch, in a file too long for one request: read as a whole, then booked step by step.

    `paid`, `failed` and `known` count its rows so far; `refused` those that were decided otherwise after it was read.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Being booked"
        DONE = "done", "Booked"

    # What the database allows too (migration 0007, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.RUNNING: (Status.DONE,)}

    batch = SiteForeignKey(PayoutBatch, models.PROTECT, related_name="result_files")
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    rows = models.PositiveIntegerField()
    paid = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "file of results"
        verbose_name_plural = "files of results"
        constraints = [
            models.UniqueConstraint(
                fields=["site", "batch"], condition=Q(status="running"), name="payouts_one_result_file_running"
            ),
            models.CheckConstraint(
                condition=Q(rows__gte=F("paid") + F("failed") + F("known") + F("refused")),
                name="payouts_result_file_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"PR-{self.pk.hex[-8:].upper()}"

    @property
    def booked(self) -> int:
        return self.paid + self.failed + self.known + self.refused

    @property
    def percent(self) -> int:
        return 100 * self.booked // self.rows

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A file of results can't go from {self.status} to {to}.")
        self.status = to
