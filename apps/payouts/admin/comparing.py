"""What others say of our payouts: each gateway of each of its own, all of them when they are compared, the bank in its files."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from apps.core.backoffice import OnlyFilter, Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision
from apps.core.phases import call_out
from apps.core.tenancy import require_site_id
from apps.payouts import services
from apps.payouts.admin.shown import MANAGE, READ, TONE
from apps.payouts.models import PayoutResultFile, PayoutTransfer, Reconciliation


class CompareForm(forms.Form):
    days = forms.IntegerField(
        label="How many days back", min_value=1, max_value=366, initial=services.PERIOD.days,
        help_text="What is open is asked about first. Nothing moves by a difference: a person looks.",
    )  # fmt: skip


@admin.register(Reconciliation)
class ReconciliationAdmin(UplineModelAdmin):
    plural = "Payout comparisons"
    view_keys = READ
    add_keys = MANAGE
    add_word = "Compare now"
    exclude = ("differences",)
    intro = "Our payouts against the gateways’ own records, each day and whenever somebody asks."
    empty_text = "The first comes once a gateway has paid something."
    list_display = ("ran_at", "ran_by", "since", "compared", "count")
    list_select_related = ("ran_by",)
    change_form_template = "admin/tools/reconciliation.html"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask the gateways now, outside of a transaction, and show what was found."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = CompareForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            site_id, actor = require_site_id(), request.user
            since = timezone.now() - timedelta(days=form.cleaned_data["days"])

            def keep(found: Any) -> HttpResponse:
                row = services.keep_comparison(since=since, differences=found, actor=actor)  # type: ignore[arg-type]
                return HttpResponseRedirect(reverse("admin:payouts_reconciliation_change", args=[row.pk]))

            return call_out(request, lambda: services.reconcile(site_id=site_id, since=since), keep)
        intro = "Every gateway is asked for its own record of our payouts."
        return self.form_page(request, form, title="Compare now", submit="Compare", intro=intro)


@admin.register(PayoutResultFile)
class PayoutResultFileAdmin(UplineModelAdmin):
    plural = "Results from banks"
    view_keys = READ
    intro = "Long files of what the bank says, booked in the background. Short ones are booked at once and stand in the audit."
    empty_text = "A file of more than 500 rows brings one."
    list_display = (
        "number", "created_at", "created_by", "batch", "state", "rows", "paid", "failed", "known", "refused",
    )  # fmt: skip
    list_select_related = ("created_by", "batch")
    list_filter = ("status",)

    @admin.display(description="file")
    def number(self, row: PayoutResultFile) -> str:
        return str(row)

    @admin.display(description="status", ordering="status")
    def state(self, row: PayoutResultFile) -> str:
        return badge({"running": "processing", "done": "paid"}[row.status], row.get_status_display())


DifferenceFilter = OnlyFilter.of("differs", title="difference", holds=~Q(difference=""))


@admin.register(PayoutTransfer)
class PayoutTransferAdmin(UplineModelAdmin):
    plural = "Payouts at gateways"
    view_keys = READ
    intro = (
        "Each payout as its gateway has it, which is asked until it is over. A difference is for a person to look at."
    )
    empty_text = "A payout by Stripe or in crypto brings one."
    list_display = (
        "transfer", "created_at", "payout", "gateway", "state", "provider_state", "difference", "provider_id", "tries",
    )  # fmt: skip
    fields = (
        "payout", "gateway", "account", "status", "provider_id", "provider_state", "failure", "difference", "tries", "next_at",
        "created_at", "finished_at",
    )  # fmt: skip
    list_filter = ("status", "gateway", DifferenceFilter)
    list_select_related = ("payout",)
    search_prefixes = ("provider_id",)
    search_help_text = "The beginning of the gateway’s id"
    action_form = ReasonForm
    actions = ("settle",)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *MANAGE)

    def offers(self, action: str, obj: PayoutTransfer) -> bool:
        return bool(obj.difference)

    @decision(
        "Settle the difference, with what came of it",
        needs="manage",
        done="difference{s} settled",
        reason=True,
        moves_money=True,
    )
    def settle(self, request: HttpRequest, rows: QuerySet[PayoutTransfer], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.settle_difference(transfer=row, actor=actor, reason=reason))

    @admin.display(description="transfer")
    def transfer(self, row: PayoutTransfer) -> str:
        return str(row)

    @admin.display(description="status", ordering="status")
    def state(self, row: PayoutTransfer) -> str:
        return badge(TONE[row.status], row.get_status_display())
