"""Tokens owed for what was bought, and their way out (P12). Amounts of tokens are exact decimals with 18 places."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from apps.accounts.models import CryptoAddress
from apps.core.errors import Conflict
from apps.core.models import Sending, SiteForeignKey, SiteModel
from apps.custody.gateways import plain
from apps.orders.models import Order, OrderLine
from apps.referrals.models import Partner

BUYER = "order__customer__user_id"


def token_field(**kwargs: Any) -> Any:
    return models.DecimalField(max_digits=38, decimal_places=18, **kwargs)


class AllocationSet(models.QuerySet["Allocation"]):
    def with_address(self, network: str, *, rest_hours: int) -> "AllocationSet":
        """Adds `has_address`: has the buyer said where tokens of this network go? `address_rests`: did the newest take another's
        place less than `rest_hours` ago (accounts.services.resting says the same of rows)? and `buyer_frozen`."""
        known = CryptoAddress.objects.filter(network=network)
        kept = known.filter(user_id=OuterRef(BUYER), removed_at=None)
        of_same = known.filter(user_id=OuterRef("user_id"))
        resting = kept.filter(
            ~Exists(of_same.filter(id__gt=OuterRef("id"), removed_at=None)), Exists(of_same.filter(id__lt=OuterRef("id"))),
            created_at__gt=timezone.now() - timedelta(hours=rest_hours),
        )  # fmt: skip
        frozen = Partner.objects.filter(user_id=OuterRef(BUYER), status=Partner.Status.FROZEN).order_by()
        return self.annotate(has_address=Exists(kept), address_rests=Exists(resting), buyer_frozen=Exists(frozen))


class Allocation(SiteModel):
    """Tokens owed for one order line. `ordered` is what was bought, `tokens` what of it is owed after refunds.

    Whose they are is the order's customer: a guest's wait until the guest has registered. `overpaid` are tokens that were
    refunded after they had been sent; a person decides what to do about them.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waits"
        PROCESSING = "processing", "On its way"
        COMPLETED = "completed", "Arrived"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Refunded"

    # What the database allows too (migration 0001, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PROCESSING, Status.CANCELLED),
        Status.PROCESSING: (Status.COMPLETED, Status.FAILED),
        Status.FAILED: (Status.PENDING, Status.CANCELLED),
    }

    order = SiteForeignKey(Order, models.PROTECT, related_name="allocations")
    line = SiteForeignKey(OrderLine, models.PROTECT, related_name="+")
    ordered = token_field()
    tokens = token_field()
    overpaid = token_field(default=0)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=200, blank=True, default="")
    asset = models.CharField(max_length=64, blank=True, default="")
    tx_hash = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True)

    objects = AllocationSet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "line"], name="allocations_line_once"),
            models.CheckConstraint(
                condition=Q(ordered__gt=0, tokens__gte=0, overpaid__gte=0, tokens__lte=F("ordered")),
                name="allocations_tokens_within",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(completed_at__isnull=False), name="allocations_completed_when"
            ),
        ]
        indexes = [
            models.Index(fields=["site", "order"], name="allocations_order"),
            models.Index(fields=["site", "status", "id"], name="allocations_status"),
        ]

    def __str__(self) -> str:
        return f"AL-{self.pk.hex[-8:].upper()}"

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"An allocation can't go from {self.status} to {to}.")
        self.status = to

    @property
    def shown(self) -> str:
        return plain(self.tokens)

    @property
    def buyer_id(self) -> UUID | None:
        return self.order.customer.user_id

    @property
    def waits_for(self) -> str:
        """Why it can't be sent yet: `dispute` (a bank disputes the payment), `account` (the buyer is a guest), `frozen` (so is
        the buyer), `address` (none on the token's network), `address_rests` (a new one took another's place), or nothing."""
        if self.status != self.Status.PENDING:
            return ""
        if self.order.disputed_at is not None:
            return "dispute"
        if self.buyer_id is None:
            return "account"
        if getattr(self, "buyer_frozen", False):
            return "frozen"
        if not getattr(self, "has_address", True):
            return "address"
        return "address_rests" if getattr(self, "address_rests", False) else ""


class AllocationBatch(SiteModel):
    """What one person sent at once. Its progress is its transfers'."""

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    asset = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    tokens = token_field()

    class Meta:
        verbose_name = "batch"
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return f"B-{self.pk.hex[-8:].upper()}"

    @property
    def over(self) -> int:
        """Transfers of it that have arrived or failed. Of rows of `selectors.batches`."""
        counted: Any = self
        return int(counted.completed + counted.failed)

    @property
    def is_running(self) -> bool:
        return self.over < self.count


class Transfer(Sending):
    """One sending of one allocation. Its id is the custodian's `externalTxId` for ever.

    An allocation has one that has not failed at most, so a second one exists only once the custodian said that the first one
    never will arrive.
    """

    CHANGES: ClassVar[tuple[str, ...]] = (*Sending.CHANGES, "tx_hash")
    sealed_columns: ClassVar[tuple[str, ...]] = ("destination",)

    batch = SiteForeignKey(AllocationBatch, models.PROTECT, related_name="transfers")
    allocation = SiteForeignKey(Allocation, models.PROTECT, related_name="transfers")
    asset = models.CharField(max_length=64)
    tokens = token_field()
    destination = models.TextField()
    destination_label = models.CharField(max_length=80)
    tx_hash = models.CharField(max_length=128, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "allocation"], condition=~Q(status="failed"), name="allocations_one_transfer"
            ),
            models.UniqueConstraint(fields=["site", "provider_id"], name="allocations_provider_id_once"),
            models.CheckConstraint(condition=Q(tokens__gt=0), name="allocations_transfer_positive"),
        ]
        indexes = [
            models.Index(fields=["site", "batch"], name="allocations_transfer_batch"),
            models.Index(
                fields=["site", "next_at"], name="allocations_transfer_due", condition=Q(status__in=["waiting", "sent"])
            ),
            models.Index(fields=["site", "id"], name="allocations_transfer_differs", condition=~Q(difference="")),
        ]

    def __str__(self) -> str:
        return f"T-{self.pk.hex[-8:].upper()}"

    @property
    def external_tx_id(self) -> str:
        """What the custodian knows it by."""
        return str(self.pk)
