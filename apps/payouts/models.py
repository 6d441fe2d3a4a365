"""Money that leaves to a partner (H9)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel


class PayoutMethod(SiteModel):
    """Where a partner wants their money. `details` is encrypted; `label` is what people may see of it.

    `fingerprint` tells the same account of two partners without telling it; empty where there is nothing to compare.
    A `crypto` one is a copy that a payout needs of an address which belongs to the person (`address_id`), not to the site.
    """

    class Kind(models.TextChoices):
        BANK = "bank", "Bank account"
        UPI = "upi", "UPI"
        STRIPE_CONNECT = "stripe_connect", "Stripe"
        CRYPTO = "crypto", "Crypto address"
        MANUAL = "manual", "By arrangement"

    sealed_columns: ClassVar[tuple[str, ...]] = ("details",)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    label = models.CharField(max_length=80)
    details = models.TextField()
    fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    address_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "address_id"], name="payouts_method_address_once")]
        indexes = [
            models.Index(fields=["site", "user", "id"], name="payouts_method_user"),
            models.Index(fields=["site", "fingerprint"], condition=~Q(fingerprint=""), name="payouts_method_print"),
        ]

    def __str__(self) -> str:
        return self.label


class ConnectAccount(SiteModel):
    """The account at Stripe behind a `stripe_connect` method, opened for it by us. Money goes there while it is READY.

    `account_id` is empty until Stripe has answered. `wants` is what Stripe still asks of the partner, in its words. Stripe is
    asked about it at `check_at`, since its events come in any order. `filled_in_at` is when it first had an owner who says where
    money goes: until then anybody who goes on with it is that owner.
    """

    class State(models.TextChoices):
        ONBOARDING = "onboarding", "Not finished at Stripe"
        REVIEW = "review", "Stripe is looking at it"
        READY = "ready", "Ready"
        RESTRICTED = "restricted", "Stripe needs something more"
        GONE = "gone", "Disconnected at Stripe"

    method = SiteForeignKey(PayoutMethod, models.PROTECT, related_name="connect")
    account_id = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.ONBOARDING)
    wants = models.CharField(max_length=300, blank=True, default="")
    check_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    filled_in_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "method"], name="payouts_connect_method_once"),
            models.UniqueConstraint(
                fields=["site", "account_id"], condition=~Q(account_id=""), name="payouts_connect_account_once"
            ),
        ]
        indexes = [
            models.Index(fields=["check_at"], condition=Q(check_at__isnull=False), name="payouts_connect_check"),
        ]

    def __str__(self) -> str:
        return self.account_id or "Not opened yet"


class OwnMethod(models.Model):
    """What a person may choose at the present site: their methods there, and their crypto addresses, which are theirs at each.

    A view of the database over both tables (migration 0004), read with the rights of who asks. One that joins or replaces
    another rests for the site's hours, until `ready_at`: from when it was added, or filled in at Stripe.
    """

    class State(models.TextChoices):
        READY = "ready", "Ready"
        RESTS = "rests", "Rests"
        ONBOARDING = "onboarding", ConnectAccount.State.ONBOARDING.label
        REVIEW = "review", ConnectAccount.State.REVIEW.label
        RESTRICTED = "restricted", ConnectAccount.State.RESTRICTED.label
        GONE = "gone", ConnectAccount.State.GONE.label

    id = models.UUIDField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+")
    kind = models.CharField(max_length=16, choices=PayoutMethod.Kind)
    label = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    connect_state = models.CharField(max_length=10)
    ready_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "payouts_ownmethod"

    def __str__(self) -> str:
        return self.label

    @property
    def state(self) -> str:
        if self.connect_state not in ("", ConnectAccount.State.READY):
            return self.connect_state
        return self.State.RESTS if self.ready_at > timezone.now() else self.State.READY

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.READY

    @property
    def state_name(self) -> str:
        return str(self.State(self.state).label)


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
                condition=models.Q(status__in=["requested", "approved", "processing"]),
                name="payouts_one_in_progress",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payouts_amount_positive"),
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


class PayoutTransfer(SiteModel):
    """A payout that a gateway pays, written down before the first call. One for each, for ever: `key` is what the gateway knows
    it by, and there is no second sending.

    WAITING: we don't know that the gateway has it. SENT: it has. `account` is whose account at the gateway pays. `difference` is
    what the gateway says otherwise than we do: nothing moves by it, and a person looks.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "To be sent"
        SENT = "sent", "Sent"
        COMPLETED = "completed", "Arrived"
        FAILED = "failed", "Failed"

    # What the database allows too (migration 0003, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.WAITING: (Status.SENT, Status.COMPLETED, Status.FAILED),
        Status.SENT: (Status.COMPLETED, Status.FAILED),
    }
    OPEN: ClassVar[tuple[str, ...]] = (Status.WAITING, Status.SENT)

    payout = SiteForeignKey(Payout, models.PROTECT, related_name="transfers")
    gateway = models.CharField(max_length=32)
    account = models.CharField(max_length=160)
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    provider_id = models.CharField(max_length=64, null=True)
    provider_state = models.CharField(max_length=64, blank=True, default="")
    failure = models.CharField(max_length=200, blank=True, default="")
    difference = models.CharField(max_length=200, blank=True, default="")
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "payout"], name="payouts_one_transfer"),
            models.UniqueConstraint(fields=["site", "gateway", "provider_id"], name="payouts_provider_id_once"),
        ]
        indexes = [
            models.Index(
                fields=["site", "next_at"], name="payouts_transfer_due",
                condition=models.Q(status__in=["waiting", "sent"]),
            ),
            models.Index(
                fields=["site", "id"], name="payouts_transfer_differs", condition=~models.Q(difference="")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"PT-{self.pk.hex[-8:].upper()}"

    @property
    def key(self) -> str:
        return str(self.payout_id)

    def advance(self, *, to: str) -> bool:
        """Move forward; False, unchanged, where that is no step forward."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            return False
        self.status = to
        return True


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

    # What the database allows too (migration 0003, Transitions).
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

    # What the database allows too (migration 0003, Transitions).
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
                fields=["site", "batch", "id"], name="payouts_item_ready", condition=models.Q(status="ready")
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

    # What the database allows too (migration 0006, Transitions).
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
                condition=Q(rows__gte=models.F("paid") + models.F("failed") + models.F("known") + models.F("refused")),
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


class Reconciliation(SiteModel):
    """One comparison of our payouts with the gateways' own records, as it was found. `differences` are those of
    `services.reconciling.Difference`, the first thousand; `count` is of all."""

    since = models.DateTimeField()
    ran_at = models.DateTimeField(default=timezone.now, editable=False)
    ran_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    compared = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    differences = models.JSONField(default=list)

    class Meta:
        verbose_name = "comparison"
        verbose_name_plural = "comparisons"

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M} UTC"
