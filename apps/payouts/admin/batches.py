"""Batches: proposed by a form, looked at, approved by another, watched while they run, fed with what the bank says, closed."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse

from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, money, repeated
from apps.core.backoffice.filters import TypedFilter
from apps.core.errors import DomainError, Invalid
from apps.core.ids import read_uuid
from apps.core.money import format_money
from apps.payouts import services
from apps.payouts.admin.previews import how_far, preview
from apps.payouts.admin.shown import APPROVE, BATCH_TONE, EITHER, MANAGE, READ, TONE, WHY, label_of
from apps.payouts.models import PayoutBatch, PayoutBatchItem

MOST_BYTES = 1_000_000


class ProposeForm(forms.Form):
    requests = forms.BooleanField(
        label="Approved requests",
        required=False,
        initial=True,
        help_text="All payouts that are approved and wait to be sent.",
    )
    available = forms.BooleanField(
        label="Everybody’s earnings", required=False,
        help_text="What each partner has available, from the site’s minimum on, whether they asked or not.",
    )  # fmt: skip


class ResultsForm(forms.Form):
    file = forms.FileField(
        label="What the bank says",
        help_text="CSV with the columns ref, status, reference, reason, separated by commas. The ref is the one of the file for "
        "the bank; the status paid, with the bank’s reference, or failed, with a reason.",
    )


@admin.register(PayoutBatch)
class PayoutBatchAdmin(UplineModelAdmin):
    plural = "Payout batches"
    view_keys = READ
    add_keys = EITHER
    add_word = "Propose a batch"
    intro = "Many payouts at once: one person proposes, another approves what they saw, and it runs in the background."
    empty_text = "Propose one: nobody is paid until somebody else approves it."
    list_display = ("number", "created_at", "created_by", "state", "count", "amount_shown", "left_out", "approved_by")
    list_select_related = ("created_by", "approved_by")
    list_filter = ("status",)
    money_fields = ("amount",)
    exclude = ("digest",)
    action_form = ReasonForm
    actions = ("approve", "refresh", "cancel", "close")
    change_form_template = "admin/tools/payout_batch.html"
    amount_shown = money("amount")

    @admin.display(description="batch")
    def number(self, row: PayoutBatch) -> str:
        return str(row)

    @admin.display(description="status", ordering="status")
    def state(self, row: PayoutBatch) -> str:
        return badge(BATCH_TONE[row.status], row.get_status_display())

    def offers(self, action: str, obj: PayoutBatch) -> bool:
        if action == "approve" and not obj.count:
            return False
        following = {"approve": "running", "refresh": "running", "cancel": "cancelled", "close": "closed"}[action]
        return following in PayoutBatch.TRANSITIONS.get(obj.status, ())

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *APPROVE)

    def has_propose_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *EITHER)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *MANAGE)

    @decision(
        "Approve and send", needs="approve", done="batch{es} on the way", moves_money=True, look="before_approving"
    )
    def approve(self, request: HttpRequest, rows: QuerySet[PayoutBatch], reason: str) -> Outcome:
        actor: Any = request.user
        seen = request.POST
        return attempt(
            rows, lambda row: services.approve_batch(batch=row, actor=actor, seen=seen.get(f"seen-{row.pk}", ""))
        )

    def before_approving(self, request: HttpRequest, rows: QuerySet[PayoutBatch]) -> HttpResponse:
        """Who would be paid and who not; what is confirmed is what was seen here."""
        found = list(rows.select_related("created_by")[:5])
        sent = [*repeated(request), *((f"seen-{row.pk}", row.digest) for row in found)]
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": "Approve and send",
            "batches": [preview(row) for row in found], "repeated": sent, "action_url": request.get_full_path(),
            "confirm": f"Send {format_money(sum(row.amount for row in found), found[0].currency)}" if found else "",
            "back": request.POST.get("next") or request.path,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/approve_payouts.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How far each is. The page comes anew by itself while anything moves."""
        batch = self.get_object(request, object_id) if self.has_view_permission(request) else None
        if batch is not None:
            extra_context = {**(extra_context or {}), **self._standing(request, batch)}
        return super().change_view(request, object_id, form_url, extra_context)

    def _standing(self, request: HttpRequest, batch: PayoutBatch) -> dict[str, Any]:
        if batch.status == PayoutBatch.Status.PROPOSED:
            return {"preview": preview(batch), "others_turn": self._others_turn(request, batch)}
        found = how_far(batch)
        under_way = batch.status in (PayoutBatch.Status.RUNNING, PayoutBatch.Status.SENT)
        return {**found, "by_hand": under_way and found["of_the_bank"] and self.may(request, *MANAGE)}

    def _others_turn(self, request: HttpRequest, batch: PayoutBatch) -> str:
        """Why somebody who looks at a proposed batch is not the one to approve it."""
        if not batch.count:
            return ""
        if batch.created_by_id == request.user.pk:
            return "You proposed it: somebody else who may approve payouts looks at it here and approves it."
        return (
            "" if self.may(request, *APPROVE) else "Somebody who may approve payouts looks at it here and approves it."
        )

    @decision("Look again", needs="propose", done="batch{es} proposed anew")
    def refresh(self, request: HttpRequest, rows: QuerySet[PayoutBatch], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.refresh_batch(batch=row, actor=actor))

    @decision("Drop", needs="propose", done="batch{es} dropped")
    def cancel(self, request: HttpRequest, rows: QuerySet[PayoutBatch], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.cancel_batch(batch=row, actor=actor))

    @decision("Close", needs="manage", done="batch{es} closed")
    def close(self, request: HttpRequest, rows: QuerySet[PayoutBatch], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.close_batch(batch=row, actor=actor))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/bank-file/", view(self.bank_file), name="payouts_payoutbatch_bank_file"),
            path("<uuid:pk>/results/", view(self.results), name="payouts_payoutbatch_results"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Propose."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if (asked := self.proof(request, "Propose a batch of payouts")) is not None:
            return asked
        form = ProposeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            rules, actor = form.cleaned_data, request.user
            try:
                batch = services.propose_batch(
                    with_requests=rules["requests"],
                    with_available=rules["available"],
                    actor=actor,  # type: ignore[arg-type]
                )
                return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[batch.pk]))
            except DomainError as error:
                form.add_error(None, error.message)
        intro = "Nothing is paid yet: you see first who would be."
        return self.form_page(request, form, title="Propose a batch", submit="Propose", intro=intro)

    def bank_file(self, request: HttpRequest, pk: UUID) -> Any:
        """By a button, not by a link: it is written down who took the accounts of so many."""
        batch = self._managed(request, pk)
        if (asked := self.proof(request, f"The bank’s file of {batch}")) is not None:
            return asked
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[pk]))
        return services.bank_file(batch=batch, actor=request.user)

    def results(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Book what the bank says, all of it or nothing."""
        batch = self._managed(request, pk)
        if (asked := self.proof(request, f"Results of {batch}")) is not None:
            return asked
        form = ResultsForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            booked = self._book(request, batch, form)
            if booked:
                messages.success(request, booked)
                return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[pk]))
        intro = "If one row can’t be booked, none is."
        return self.form_page(request, form, title=f"Results of {batch}", submit="Book them", intro=intro)

    @staticmethod
    def _book(request: HttpRequest, batch: PayoutBatch, form: ResultsForm) -> str:
        file, actor = form.cleaned_data["file"], request.user
        try:
            if file.size > MOST_BYTES:
                raise Invalid("invalid", "A file is 1 MB at most.", field="file")
            text = file.read().decode("utf-8-sig")
            with transaction.atomic():
                booked = services.book_results(batch=batch, text=text, actor=actor)  # type: ignore[arg-type]
        except UnicodeDecodeError:
            form.add_error("file", "This is no text in UTF-8.")
            return ""
        except DomainError as error:
            form.add_error("file", error.message)
            for row in error.details.get("rows", ()):
                form.add_error("file", f"Row {row['row']}: {row['message']}")
            return ""
        if booked.file is not None:
            return f"{booked.file.rows:,} rows are being booked."
        return f"{booked.paid} paid, {booked.failed} failed, {booked.known} known before."

    def _managed(self, request: HttpRequest, pk: UUID) -> PayoutBatch:
        if not self.may(request, *MANAGE):
            raise PermissionDenied
        return get_object_or_404(PayoutBatch, pk=pk)


class OfBatch(TypedFilter):
    """Those of one batch, to which its page leads."""

    title = "batch"
    inputs = (("batch", "text", "Id of a batch"),)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        typed = self.value("batch")
        return queryset.filter(batch=read_uuid(typed)) if typed else queryset


@admin.register(PayoutBatchItem)
class PayoutBatchItemAdmin(UplineModelAdmin):
    plural = "People in batches"
    view_keys = READ
    across_hides = ("method",)
    intro = "Everybody a batch looked at: what they are paid, or why not."
    empty_text = "A batch brings one for each person with earnings."
    list_display = ("batch", "user", "amount_shown", "by", "state", "why", "payout")
    list_select_related = ("batch", "user", "payout")
    list_filter = ("status", "gateway", "code", OfBatch)
    search_prefixes = ("user__email",)
    search_help_text = "The beginning of an e-mail"
    money_fields = ("amount", "owed")
    amount_shown = money("amount")

    def currency_of(self, row: Any) -> str:
        return str(row.batch.currency)

    @admin.display(description="by", ordering="gateway")
    def by(self, row: PayoutBatchItem) -> str:
        return label_of(row.gateway)

    @admin.display(description="status", ordering="status")
    def state(self, row: PayoutBatchItem) -> str:
        return badge(TONE[row.status], row.get_status_display())

    @admin.display(description="why not", ordering="code")
    def why(self, row: PayoutBatchItem) -> str:
        return WHY.get(row.code, row.code)
