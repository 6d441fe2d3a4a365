"""Payouts to decide, in bulk, with a reason where one is due."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.core.backoffice import (
    Outcome,
    ReasonForm,
    UplineModelAdmin,
    attempt,
    badge,
    decision,
    money,
    named,
)
from apps.core.money import format_money
from apps.payouts import services
from apps.payouts.admin.shown import APPROVE, EITHER, MANAGE, READ, TONE
from apps.payouts.models import ConnectAccount, Payout, PayoutMethod


class DecisionForm(ReasonForm):
    """Beside the list of actions: the reason of a rejection, or the bank's reference of a transfer."""

    note = forms.CharField(
        label="Reason, or the bank's reference", max_length=120, required=False,
        widget=forms.TextInput(
            attrs={"placeholder": "Reason, or reference", "aria-label": "Reason, or the bank's reference", "autocomplete": "off"}
        ),
    )  # fmt: skip


@admin.register(Payout)
class PayoutAdmin(UplineModelAdmin):
    view_keys = READ
    across_hides = ("method",)
    list_display = ("number", "who", "amount_shown", "state", "method", "created_at", "approved_by", "reference")
    list_select_related = ("user", "method", "approved_by")
    list_filter = ("status", "gateway", "provider_state")
    search_prefixes = ("user__email", "reference")
    search_help_text = "The beginning of an e-mail or reference"
    money_fields = ("amount",)
    intro = "Money on its way to partners. Nobody decides their own."
    empty_text = "A partner asks for the first one on their own page."
    action_form = DecisionForm
    pages = (("Tax-year summary", "admin:tax_summaries", "payout.read"),)
    scope_by = "user_id"
    actions = ("approve", "reject", "process", "retry")
    readonly_fields = ("tried_again",)
    amount_shown = money("amount")

    @admin.display(description="asked for again as")
    def tried_again(self, payout: Payout) -> str:
        again = payout.retries.first()
        if again is None:
            return "–"
        return format_html('<a href="{}">{}</a>', reverse("admin:payouts_payout_change", args=[again.pk]), again.number)

    @admin.display(description="to", ordering="user__email")
    def who(self, payout: Payout) -> str:
        return named(payout.user, payout.user.email)

    @admin.display(description="status", ordering="status")
    def state(self, payout: Payout) -> str:
        return badge(TONE[payout.status], payout.get_status_display())

    def note_of(self, obj: Payout) -> str:
        return f"{format_money(obj.amount, obj.currency)} to {obj.user.email}"

    def offers(self, action: str, obj: Payout) -> bool:
        if action == "retry":
            return obj.status == Payout.Status.FAILED and not obj.retries.exists()
        following = {"approve": "approved", "reject": "rejected", "process": "processing"}[action]
        return following in Payout.TRANSITIONS.get(obj.status, ())

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *APPROVE)

    def has_reject_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *EITHER)

    def has_process_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *MANAGE)

    @decision("Approve", needs="approve", done="payout{s} approved", keys=APPROVE, moves_money=True)
    def approve(self, request: HttpRequest, rows: QuerySet[Payout], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.approve_payout(payout=row, actor=actor))

    @decision(
        "Reject, with a reason", needs="reject", done="payout{s} rejected", keys=EITHER, reason=True, moves_money=True
    )
    def reject(self, request: HttpRequest, rows: QuerySet[Payout], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.reject_payout(payout=row, actor=actor, reason=reason))

    @decision(
        "Pay, or mark as paid", needs="process", done="payout{s} paid or on the way", keys=MANAGE, moves_money=True
    )
    def process(self, request: HttpRequest, rows: QuerySet[Payout], reason: str) -> Outcome:
        """What stands beside the actions is the bank's reference."""
        actor: Any = request.user
        return attempt(rows, lambda row: services.process_payout(payout=row, actor=actor, reference=reason[:120]))

    @decision(
        "Ask again for failed ones", needs="process", done="payout{s} asked for again", keys=MANAGE, moves_money=True
    )
    def retry(self, request: HttpRequest, rows: QuerySet[Payout], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.retry_payout(payout=row, actor=actor))


@admin.register(PayoutMethod)
class PayoutMethodAdmin(UplineModelAdmin):
    """Masked: what a partner saved is read only by what pays it out."""

    view_keys = ("payout.read", "payout.manage")
    intro = "Where partners want their money, masked."
    search_help_text = "The beginning of an e-mail"
    list_display = ("user", "kind", "label", "created_at", "removed_at")
    list_select_related = ("user",)
    list_filter = ("kind",)
    search_prefixes = ("user__email",)
    exclude = ("details",)


@admin.register(ConnectAccount)
class ConnectAccountAdmin(UplineModelAdmin):
    plural = "Stripe accounts of partners"
    view_keys = ("payout.read", "payout.manage")
    across_hides = ("method",)
    intro = "Partners' accounts at Stripe: opened here, filled in there, asked about until they are ready."
    empty_text = "The first partner who is to be paid by Stripe brings one."
    search_help_text = "The beginning of Stripe's id"
    list_display = ("account_id", "state", "wants", "created_at", "filled_in_at", "check_at")
    list_filter = ("state",)
    search_prefixes = ("account_id",)
