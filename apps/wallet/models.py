"""The ledger: double entry, append-only, in integer minor units (spec: architecture.md, Wallet).

A posting's sign is seen from its account: + fills a pocket, − empties it, and what the site gains or gives stands with the
opposite sign on one of its own accounts, so every entry sums to zero per currency. Nobody writes a balance: a trigger of the
guard role does, from the postings, and a CHECK on it refuses an overdraft.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.core.models.chain import ChainLink
from apps.core.tenancy import current_site_id


class Pocket(models.TextChoices):
    """Accounts of a user."""

    EARNINGS = "earnings", "Earnings"  # commissions, bonuses, credits: may be paid out
    HELD = "held", "Held for a payout"  # earnings that an open payout has taken
    OWED = "owed", "Owed to the site"  # a clawback that found too little; never above zero
    FUNDS = "funds", "Funds"  # deposits and transfers: pays activities


class Books(models.TextChoices):
    """Accounts of the site itself. They carry no balance, so that they are never a hot row."""

    COMMISSIONS = "commissions", "Commission expense"
    BONUSES = "bonuses", "Bonus expense"
    CREDITS = "credits", "Credits by staff"
    PAYOUTS = "payouts", "Paid out"
    DEPOSITS = "deposits", "Paid in"
    ACTIVITIES = "activities", "Activity revenue"


class Account(SiteModel):
    """One pocket of a user, or one of the site's books, in one currency."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=12, choices=[*Pocket.choices, *Books.choices])
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "user", "kind", "currency"], name="wallet_account_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, kind__in=Pocket.values)
                | models.Q(user__isnull=True, kind__in=Books.values),
                name="wallet_account_kind_fits_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.currency}"


class Balance(models.Model):
    """What a user's account holds. Made and written by the guard's triggers alone; the app role may only read."""

    account = models.OneToOneField(
        Account, models.PROTECT, primary_key=True, db_constraint=False, related_name="balance"
    )
    site = models.ForeignKey("sites.Site", models.PROTECT, related_name="+", default=current_site_id, db_index=False)
    is_debt = models.BooleanField(default=False)
    balance = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_debt=False, balance__gte=0) | models.Q(is_debt=True, balance__lte=0),
                name="wallet_balance_not_overdrawn",
            )
        ]

    def __str__(self) -> str:
        return str(self.balance)


class Entry(SiteModel):
    """One event of money. `key` makes it happen once; `ref_type`, `ref_id` say what it is about."""

    class Kind(models.TextChoices):
        COMMISSION = "commission", "Commission"
        BONUS = "bonus", "Bonus"
        CREDIT = "credit", "Credit"
        CLAWBACK = "clawback", "Clawback"
        REVERSAL = "reversal", "Reversal"
        DEBT_SETTLED = "debt_settled", "Debt settled"
        HOLD = "hold", "Held for a payout"
        RELEASE = "release", "Hold released"
        PAYOUT = "payout", "Payout"
        TRANSFER = "transfer", "Transfer to funds"
        DEPOSIT = "deposit", "Deposit"
        REFUND = "refund", "Deposit given back"
        ACTIVITY = "activity", "Activity"

    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=160)
    ref_type = models.CharField(max_length=32, blank=True, default="")
    ref_id = models.CharField(max_length=128, blank=True, default="")
    meta = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="wallet_entry_once")]
        indexes = [models.Index(fields=["site", "ref_type", "ref_id"], name="wallet_entry_ref")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Posting(models.Model):
    """One side of an entry. `amount` is signed and never zero."""

    id = models.BigAutoField(primary_key=True)
    site = models.ForeignKey("sites.Site", models.PROTECT, related_name="+", default=current_site_id, db_index=False)
    entry = SiteForeignKey(Entry, models.PROTECT, related_name="postings")
    # Its constraint is (site, account, currency), so that a posting can't be in another currency than its account.
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings", db_index=False, db_constraint=False)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="wallet_posting_not_zero")]
        indexes = [models.Index(fields=["site", "account", "id"], name="wallet_posting_account")]

    def __str__(self) -> str:
        return str(self.amount)


class EntryLink(ChainLink):
    """The chain over Entry and its postings."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "seq"], name="wallet_link_seq"),
            models.UniqueConstraint(fields=["site", "row_id"], name="wallet_link_row"),
        ]

    def __str__(self) -> str:
        return str(self.seq)


class Lot(SiteModel):
    """One amount that came into earnings. Money leaves oldest first, so that we can say which commission a payout paid.

    `reserved` is in an open payout, `consumed` is gone. Over a pocket, what is neither adds up to its balance.
    """

    account = SiteForeignKey(Account, models.PROTECT, related_name="lots", db_index=False)
    ref_type = models.CharField(max_length=32)
    ref_id = models.CharField(max_length=128)
    amount = models.BigIntegerField()
    reserved = models.BigIntegerField(default=0)
    consumed = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "ref_type", "ref_id"], name="wallet_lot_once"),
            models.CheckConstraint(
                condition=models.Q(
                    amount__gte=models.F("reserved") + models.F("consumed"), reserved__gte=0, consumed__gte=0
                ),
                name="wallet_lot_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "account", "id"],
                name="wallet_lot_open",
                condition=models.Q(amount__gt=models.F("reserved") + models.F("consumed")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref_type} {self.ref_id}"

    @property
    def free(self) -> int:
        return self.amount - self.reserved - self.consumed


class HoldShare(SiteModel):
    """How much of a lot an open or finished payout takes."""

    hold_key = models.CharField(max_length=160)
    lot = SiteForeignKey(Lot, models.PROTECT, related_name="shares")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "hold_key", "lot"], name="wallet_hold_share_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="wallet_hold_share_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.hold_key} {self.amount}"


class Deposit(SiteModel):
    """Money somebody adds to their funds. PENDING until Stripe's verified word; `payments.Payment` has how it is paid.

    `taken` is what refunds have taken out of the wallet so far: what is being given back is set aside at once. Device and
    address are the payer's, for the bonus rules above.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waits for payment"
        PAID = "paid", "Paid in"
        PARTIALLY_REFUNDED = "partially_refunded", "Partly given back"
        REFUNDED = "refunded", "Given back"
        CANCELLED = "cancelled", "Cancelled"

    # What the database allows too (migration 0002, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PAID, Status.CANCELLED),
        Status.PAID: (Status.PARTIALLY_REFUNDED, Status.REFUNDED),
        Status.PARTIALLY_REFUNDED: (Status.REFUNDED,),
    }
    REFUNDABLE: ClassVar[tuple[str, ...]] = (Status.PAID, Status.PARTIALLY_REFUNDED)
    # Within the day for which Stripe knows the key that its payment was opened under: it has one intent, whoever asks.
    PAYABLE_FOR: ClassVar[timedelta] = timedelta(hours=12)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=18, choices=Status, default=Status.PENDING)
    taken = models.BigIntegerField(default=0)
    refunded_amount = models.BigIntegerField(default=0)
    device_id = models.CharField(max_length=128, blank=True, default="")
    ip_address = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=1), name="wallet_deposit_positive"),
            models.CheckConstraint(
                condition=models.Q(
                    refunded_amount__gte=0, refunded_amount__lte=models.F("amount"), taken__gte=0,
                    taken__lte=models.F("amount"),
                ),
                name="wallet_deposit_refunded_within",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["site", "user", "id"], name="wallet_deposit_user"),
            models.Index(fields=["site", "status", "id"], name="wallet_deposit_status"),
        ]

    def __str__(self) -> str:
        return f"D-{self.pk.hex[-8:].upper()}"

    @property
    def tone(self) -> str:
        """What the design kit calls the state."""
        shown = {"partially_refunded": "processing", "refunded": "reversed", "cancelled": "rejected"}
        return shown.get(self.status, self.status)

    @property
    def payable_until(self) -> datetime:
        return self.created_at + self.PAYABLE_FOR

    @property
    def rest(self) -> int:
        """What has not gone back."""
        return self.amount - self.refunded_amount

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A deposit can't go from {self.status} to {to}.")
        self.status = to
