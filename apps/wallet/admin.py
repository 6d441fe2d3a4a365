"""The books, to read. Corrections are new entries, and services make them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.backoffice import (
    Outcome,
    ReasonForm,
    UplineModelAdmin,
    amount_text,
    attempt,
    badge,
    decision,
    money,
    named,
)
from apps.core.ids import uuid7
from apps.core.money import format_money
from apps.wallet import services
from apps.wallet.models import Account, Balance, Deposit, Entry, EntryLink, HoldShare, Lot, Posting

KEYS = ("payout.read", "billing.read")


@admin.register(Account)
class AccountAdmin(UplineModelAdmin):
    intro = "The pockets of partners, and the site's own books."
    search_help_text = "The beginning of an e-mail"
    view_keys = KEYS
    list_display = ("owner", "kind", "currency", "held", "created_at")
    list_select_related = ("user", "balance")
    list_filter = ("kind",)
    search_prefixes = ("user__email",)

    @admin.display(description="owner")
    def owner(self, account: Account) -> str:
        return account.user.email if account.user else "The site"

    @admin.display(description="balance")
    def held(self, account: Account) -> str:
        return amount_text(account.balance.balance, account.currency) if account.user_id else "–"


class PostingInline(admin.TabularInline):
    model = Posting
    extra = 0
    can_delete = False
    fields = ("account", "owner", "shown")
    readonly_fields = fields

    @admin.display(description="owner")
    def owner(self, posting: Posting) -> str:
        return str(posting.account.user or "The site")

    @admin.display(description="amount")
    def shown(self, posting: Posting) -> str:
        return amount_text(posting.amount, posting.currency)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account", "account__user")


@admin.register(Entry)
class EntryAdmin(UplineModelAdmin):
    intro = "Every movement of money, once and for ever. The sides of each add up to zero."
    search_help_text = "The beginning of a key or of what it is about"
    json_fields = ("meta",)
    view_keys = KEYS
    list_display = ("created_at", "kind", "ref_type", "ref_id", "key")
    list_filter = ("kind",)
    search_prefixes = ("ref_id", "key")
    inlines = (PostingInline,)

    def title_of(self, obj: Entry) -> str:
        return str(obj.get_kind_display())


@admin.register(Posting)
class PostingAdmin(UplineModelAdmin):
    intro = "The sides of entries, each on one account."
    money_fields = ("amount",)
    view_keys = KEYS
    list_display = ("id", "entry", "account", "shown")
    list_select_related = ("entry", "account")

    def title_of(self, obj: Posting) -> str:
        return f"{format_money(obj.amount, obj.currency)}, {obj.account.get_kind_display().lower()}"

    @admin.display(description="amount")
    def shown(self, posting: Posting) -> str:
        return amount_text(posting.amount, posting.currency)


@admin.register(Lot)
class LotAdmin(UplineModelAdmin):
    intro = "What came into earnings, and how much of it is in a payout or gone. The oldest leaves first."
    search_help_text = "The beginning of what it is about"
    money_fields = ("amount", "reserved", "consumed")
    amount_shown, reserved_shown, consumed_shown = money("amount"), money("reserved"), money("consumed")
    view_keys = KEYS
    list_display = ("created_at", "account", "ref_type", "ref_id", "amount_shown", "reserved_shown", "consumed_shown")
    list_select_related = ("account",)
    search_prefixes = ("ref_id",)

    def title_of(self, obj: Lot) -> str:
        return f"{format_money(obj.amount, self.currency_of(obj))} of a {obj.ref_type}"

    def currency_of(self, row: Any) -> str:
        return str(row.account.currency)


@admin.register(HoldShare)
class HoldShareAdmin(UplineModelAdmin):
    plural = "Payout shares"
    intro = "Which lots a payout takes, and how much of each."
    search_help_text = "The beginning of a payout's id"
    money_fields = ("amount",)
    amount_shown = money("amount")
    view_keys = KEYS
    list_display = ("hold_key", "lot", "amount_shown")
    list_select_related = ("lot", "lot__account")
    search_prefixes = ("hold_key",)

    def title_of(self, obj: HoldShare) -> str:
        return f"{format_money(obj.amount, self.currency_of(obj))} for a payout"

    def currency_of(self, row: Any) -> str:
        return str(row.lot.account.currency)


@admin.register(Balance)
class BalanceAdmin(UplineModelAdmin):
    intro = "What each pocket holds. The database adds it up; nobody writes it."
    view_keys = KEYS
    list_display = ("owner", "account", "balance_shown", "is_debt")
    money_fields = ("balance",)
    balance_shown = money("balance")
    list_filter = ("account__kind",)
    search_prefixes = ("account__user__email",)
    search_help_text = "The beginning of an e-mail"
    list_select_related = ("account", "account__user")
    ordering = ("-account",)

    def currency_of(self, row: Any) -> str:
        return str(row.account.currency)

    def title_of(self, obj: Balance) -> str:
        return f"{obj.account}: {obj.account.user}"

    @admin.display(description="owner")
    def owner(self, balance: Balance) -> str:
        return str(balance.account.user)


@admin.register(EntryLink)
class EntryLinkAdmin(UplineModelAdmin):
    plural = "Entry chain"
    intro = "The chain that shows whether an entry was ever changed."
    view_keys = KEYS
    list_display = ("seq", "row_id")
    exclude = ("hash",)


@admin.register(Deposit)
class DepositAdmin(UplineModelAdmin):
    view_keys = (*KEYS, "order.update")
    intro = "Money that people add to their funds, credited by Stripe's word. What is still in the funds can go back."
    empty_text = "The first one stands here once somebody adds funds."
    list_display = ("number", "owner", "state", "amount_shown", "refunded_shown", "created_at", "paid_at")
    list_filter = ("status",)
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    search_help_text = "The beginning of an e-mail"
    action_form = ReasonForm
    actions = ("refund_rest",)
    scope_by = "user_id"
    fields = (
        "number", "owner", "state", "amount_shown", "refunded_shown", "taken_shown", "device_id", "ip_address", "created_at",
        "paid_at",
    )  # fmt: skip
    readonly_fields = ("number", "owner", "state", "amount_shown", "refunded_shown", "taken_shown")
    amount_shown = money("amount")
    refunded_shown = money("refunded_amount", label="given back")
    taken_shown = money("taken", label="taken out of funds")

    @admin.display(description="deposit")
    def number(self, row: Deposit) -> str:
        return str(row)

    @admin.display(description="by")
    def owner(self, row: Deposit) -> str:
        return named(row.user, row.user.email)

    @admin.display(description="status", ordering="status")
    def state(self, row: Deposit) -> str:
        return badge(row.tone, row.get_status_display())

    def note_of(self, obj: Deposit) -> str:
        return f"{format_money(obj.amount, obj.currency)} by {obj.user}"

    def offers(self, action: str, obj: Deposit) -> bool:
        return obj.status in Deposit.REFUNDABLE

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "order.update")

    @decision(
        "Give back all that is left", needs="refund", done="deposit{s} on the way back", keys=("order.update",), reason=True,
        moves_money=True,
    )  # fmt: skip
    def refund_rest(self, request: HttpRequest, rows: QuerySet[Deposit], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(
            rows,
            lambda row: services.ask_deposit_refund(
                deposit=row, external_id=f"office-{uuid7()}", reason=reason, actor=actor
            ),
        )
