"""Money that comes in by Stripe (P9). Amounts are minor units.

A Payment knows nothing of what is paid: `purpose` says which app does, `subject_id` which of its rows (apps.payments.purposes).
"""

from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.core.models import SiteForeignKey, SiteModel


class StripeAccount(SiteModel):
    """How this site takes money. `secret_key`, `webhook_secrets` and `connect_secrets` (newest first: Stripe tells of connected
    accounts at an endpoint with a secret of its own) are encrypted for this row alone.

    The one that isn't retired opens payments. A retired one is what payments opened at it are called off and given back with.
    """

    sealed_columns: ClassVar[tuple[str, ...]] = ("secret_key", "webhook_secrets", "connect_secrets")

    account_id = models.CharField(max_length=64, validators=[RegexValidator(r"^acct_[A-Za-z0-9_]{3,58}$")])
    publishable_key = models.CharField(max_length=255, validators=[RegexValidator(r"^pk_(test|live)_[A-Za-z0-9_]+$")])
    secret_key = models.TextField()
    webhook_secrets = models.TextField()
    connect_secrets = models.TextField(blank=True, default="")
    livemode = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site"], condition=Q(retired_at=None), name="payments_account_once"),
            models.UniqueConstraint(fields=["site", "account_id"], name="payments_account_id_once"),
        ]

    def __str__(self) -> str:
        return self.account_id


class Payment(SiteModel):
    """What somebody owes for one subject, and what became of it. States only move forward; refunds only add up.

    CREATED: the intent is ours alone. OPEN: Stripe has it. A refused card leaves it OPEN with `failure` until the next try.
    `charge_refunded` is what Stripe's charge says went back in all, `refunded_amount` what we passed on. `account_id` is Stripe's
    id of the account it was opened at; empty, that of the site's first.
    """

    class Status(models.TextChoices):
        CREATED = "created", "Being opened"
        OPEN = "open", "Waits for payment"
        SUCCEEDED = "succeeded", "Paid"
        CANCELLED = "cancelled", "Cancelled"

    # What the database allows too (migration 0001). A payment may come after we gave up: then it is given back.
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.CREATED: (Status.OPEN, Status.SUCCEEDED, Status.CANCELLED),
        Status.OPEN: (Status.SUCCEEDED, Status.CANCELLED),
        Status.CANCELLED: (Status.SUCCEEDED,),
    }

    purpose = models.CharField(max_length=16)
    subject_id = models.UUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    description = models.CharField(max_length=200, blank=True, default="")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=9, choices=Status, default=Status.CREATED)
    account_id = models.CharField(max_length=64, blank=True, default="")
    provider_id = models.CharField(max_length=128, null=True)
    charge_id = models.CharField(max_length=128, blank=True, default="")
    card_key = models.CharField(max_length=64, blank=True, default="", editable=False)
    failure = models.CharField(max_length=200, blank=True, default="")
    charge_refunded = models.BigIntegerField(default=0)
    refunded_amount = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    succeeded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "purpose", "subject_id"], name="payments_subject_once"),
            models.UniqueConstraint(fields=["site", "provider_id"], name="payments_provider_id_once"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="payments_amount_positive"),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount"), charge_refunded__gte=0),
                name="payments_refunded_within",
            ),
            models.CheckConstraint(
                condition=Q(status="succeeded", succeeded_at__isnull=False) | ~Q(status="succeeded"),
                name="payments_succeeded_when",
            ),
        ]
        indexes = [models.Index(fields=["site", "status", "id"], name="payments_payment_status")]

    def __str__(self) -> str:
        return self.provider_id or str(self.pk)

    def advance(self, *, to: str) -> bool:
        """Move forward; False, unchanged, where that is no step forward."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            return False
        self.status = to
        return True


class PaymentRefund(SiteModel):
    """One refund at Stripe: asked for by us (then with the id it was asked for under) or made there.

    REQUESTED: we don't know yet what became of it; its key, which is this row's id, asks again without doing it twice.
    FAILED without an id of Stripe's: refused, nothing moved; should Stripe say that it made it after all, that counts. With an
    id it was made and the bank sent it back: it stays counted as gone, and is `owed` to the buyer until another refund,
    `retry_of` this one, is made in its place and counts instead.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", "Being made"
        SUCCEEDED = "succeeded", "Given back"
        FAILED = "failed", "Failed"

    payment = SiteForeignKey(Payment, models.PROTECT, related_name="refunds")
    external_id = models.CharField(max_length=128, null=True)
    provider_id = models.CharField(max_length=128, null=True)
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status, default=Status.REQUESTED)
    failure = models.CharField(max_length=200, blank=True, default="")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True)
    retry_of = SiteForeignKey("self", models.PROTECT, null=True, related_name="retries")
    owed = models.BooleanField("sent back by the bank", default=False, help_text="The buyer has not got it yet.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "payment", "external_id"], name="payments_refund_external_once"),
            models.UniqueConstraint(fields=["site", "provider_id"], name="payments_refund_provider_once"),
            models.UniqueConstraint(
                fields=["site", "retry_of"], condition=Q(status="requested"), name="payments_refund_retry_once"
            ),
            models.CheckConstraint(
                condition=Q(owed=False) | Q(status="failed", provider_id__isnull=False),
                name="payments_refund_owed_failed",
            ),
            models.CheckConstraint(condition=Q(amount__gte=1), name="payments_refund_positive"),
        ]
        indexes = [
            models.Index(fields=["site", "status", "id"], name="payments_refund_status"),
            models.Index(fields=["site", "id"], name="payments_refund_owed", condition=Q(owed=True)),
        ]

    def __str__(self) -> str:
        return self.external_id or self.provider_id or str(self.pk)


class Dispute(SiteModel):
    """A cardholder's bank wants the money back. While it is open nothing of the sale is approved; lost, it is a refund."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    payment = SiteForeignKey(Payment, models.PROTECT, related_name="disputes")
    provider_id = models.CharField(max_length=128)
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=4, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "provider_id"], name="payments_dispute_once"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="payments_dispute_positive"),
        ]
        indexes = [models.Index(fields=["site", "status", "id"], name="payments_dispute_status")]

    def __str__(self) -> str:
        return self.provider_id
