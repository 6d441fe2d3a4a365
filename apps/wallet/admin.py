"""The books, to read. Corrections are new entries, and services make them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.backoffice import UplineModelAdmin
from apps.core.money import format_money
from apps.wallet.models import Account, Balance, Entry, EntryLink, HoldShare, Lot, Posting

KEYS = ("payout.read", "billing.read")


@admin.register(Account)
class AccountAdmin(UplineModelAdmin):
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
        return format_money(account.balance.balance, account.currency) if account.user_id else "–"


class PostingInline(admin.TabularInline):
    model = Posting
    extra = 0
    can_delete = False
    fields = ("account", "currency", "amount")
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account", "account__user")


@admin.register(Entry)
class EntryAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("created_at", "kind", "ref_type", "ref_id", "key")
    list_filter = ("kind",)
    search_prefixes = ("ref_id", "key")
    inlines = (PostingInline,)


@admin.register(Posting)
class PostingAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("id", "entry", "account", "shown")
    list_select_related = ("entry", "account")

    @admin.display(description="amount")
    def shown(self, posting: Posting) -> str:
        return format_money(posting.amount, posting.currency)


@admin.register(Lot)
class LotAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("created_at", "account", "ref_type", "ref_id", "amount", "reserved", "consumed")
    list_select_related = ("account",)
    search_prefixes = ("ref_id",)


@admin.register(HoldShare)
class HoldShareAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("hold_key", "lot", "amount")
    list_select_related = ("lot",)
    search_prefixes = ("hold_key",)


@admin.register(Balance)
class BalanceAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("account", "balance", "is_debt")
    list_select_related = ("account", "account__user")
    ordering = ("-account",)


@admin.register(EntryLink)
class EntryLinkAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("seq", "row_id")
    exclude = ("hash",)
