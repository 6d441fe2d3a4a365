"""Where partners want their money, and what stands behind it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

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

    A view of the database over both tables (migration 0006), read with the rights of who asks. One that joins or replaces
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
