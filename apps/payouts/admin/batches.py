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

from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, money, named, repeated
from apps.core.errors import DomainError, Invalid
from apps.core.money import format_money
from apps.core.tenancy import reading_across
from apps.payouts import gateways, selectors, services
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem, PayoutTransfer

READ, MANAGE, APPROVE = ("payout.read", "payout.approve", "payout.manage"), ("payout.manage",), ("payout.approve",)
PROPOSE = ("payout.manage", "payout.approve")
_TONE = {
    "proposed": "pending", "running": "processing", "sent": "approved", "closed": "paid", "cancelled": "reversed",
    "ready": "pending", "begun": "processing", "left_out": "reversed", "waiting": "pending", "completed": "paid",
    "failed": "rejected", "processing": "processing", "approved": "approved", "requested": "pending", "rejected": "rejected",
}  # fmt: skip
WHY = {
    "below_minimum": "less than the minimum", "cooldown": "paid lately: the cooldown runs",
    "partner_frozen": "the account is frozen", "under_review": "somebody looks at the account",
    "no_method": "no payout method", "negative_balance": "owes more than was earned",
    "not_approved": "a request waits to be approved",
    "method_rests": "a new payout method rests", "method_not_ready": "Stripe is not done with the account",
    "payout_in_progress": "another payout is on its way", "own_payout": "yours: left to others",
    "four_eyes": "approved by you before: another person pays it", "gateway_unavailable": "no gateway pays this method here",
    "insufficient_balance": "less is there than was proposed", "invalid_state": "decided otherwise since",
}  # fmt: skip
MOST_BYTES, SHOWN = 1_000_000, 200


def _place(row: PayoutBatchItem) -> str:
    if row.method_id is None:
        return "By arrangement"
    return "–" if reading_across() else str(row.method)


def label_of(gateway: str) -> str:
    return gateways.find_class(gateway).label if gateway in gateways.known() else "–"


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
        label="What the bank says", help_text="CSV: ref, status (paid or failed), reference, reason."
    )


@admin.register(PayoutBatch)
class PayoutBatchAdmin(UplineModelAdmin):
    plural = "Payout batches"
    view_keys = READ
    add_keys = PROPOSE
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
        return badge(_TONE[row.status], row.get_status_display())

    def offers(self, action: str, obj: PayoutBatch) -> bool:
        following = {"approve": "running", "refresh": "running", "cancel": "cancelled", "close": "closed"}[action]
        return following in PayoutBatch.TRANSITIONS.get(obj.status, ())

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *APPROVE)

    def has_propose_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *PROPOSE)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *MANAGE)

    @decision(
        "Approve and send", needs="approve", done="batch{es} on the way", moves_money=True, look="before_approving"
    )
    def approve(self, request: HttpRequest, rows: QuerySet[PayoutBatch], reason: str) -> Outcome:
        actor: Any = request.user

        def approve(row: PayoutBatch) -> None:
            services.approve_batch(batch=row, actor=actor, seen=request.POST.get(f"seen-{row.pk}", ""))

        return attempt(rows, approve)

    def before_approving(self, request: HttpRequest, rows: QuerySet[PayoutBatch]) -> HttpResponse:
        """Who would be paid and who not; what is confirmed is what was seen here."""
        found = list(rows.select_related("created_by")[:5])
        sent = [*repeated(request), *((f"seen-{row.pk}", row.digest) for row in found)]
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": "Approve and send",
            "batches": [self._preview(row) for row in found], "repeated": sent, "action_url": request.get_full_path(),
            "confirm": f"Send {format_money(sum(row.amount for row in found), found[0].currency)}" if found else "",
            "back": request.POST.get("next") or request.path,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/approve_payouts.html", context)

    def _preview(self, batch: PayoutBatch) -> dict[str, Any]:
        rows = selectors.items_of(batch).order_by("status", "-amount", "id")
        ready, left = (rows.filter(status=status) for status in ("ready", "left_out"))
        totals = selectors.totals(batch)
        return {
            "batch": batch, "by_gateway": self._by_gateway(batch, totals), "ready": [self._line(row) for row in ready[:SHOWN]],
            "left": [self._line(row) for row in left[:SHOWN]], "more": max(batch.count - SHOWN, 0),
            "more_left": max(batch.left_out - SHOWN, 0),
        }  # fmt: skip

    @staticmethod
    def _by_gateway(batch: PayoutBatch, totals: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What goes by each, and how far it is."""
        found: dict[str, dict[str, Any]] = {}
        for row in totals:
            if row["status"] == PayoutBatchItem.Status.LEFT_OUT:
                continue
            line = found.setdefault(
                row["gateway"], {"label": label_of(row["gateway"]), "count": 0, "sum": 0, "states": []}
            )
            line["count"] += row["count"]
            line["sum"] += row["amount"]
            state = Payout.Status(row["payout"]).label if row["payout"] else "To be sent"
            line["states"].append(f"{row['count']} {state.lower()}")
        for line in found.values():
            line["amount"] = format_money(line["sum"], batch.currency)
        return list(found.values())

    @staticmethod
    def _line(row: PayoutBatchItem) -> dict[str, Any]:
        paid = row.payout
        state = paid.status if paid is not None and row.status == PayoutBatchItem.Status.BEGUN else row.status
        label = paid.get_status_display() if paid is not None and state == paid.status else row.get_status_display()
        return {
            "who": named(row.user, row.user.email), "amount": format_money(row.amount, row.batch.currency),
            "gateway": label_of(row.gateway),
            "to": _place(row), "badge": badge(_TONE.get(state, "pending"), label),
            "owed": format_money(row.owed, row.batch.currency) if row.owed else "",
            "why": WHY.get(row.code, row.code) or (paid.reason if paid is not None else ""), "payout": paid,
        }  # fmt: skip

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How far each is. The page comes anew by itself while anything moves."""
        batch = self.get_object(request, object_id) if self.has_view_permission(request) else None
        if batch is not None:
            totals = selectors.totals(batch)
            over = sum(row["count"] for row in totals if row["payout"] in ("completed", "failed"))
            begun = sum(row["count"] for row in totals if row["status"] != PayoutBatchItem.Status.LEFT_OUT)
            preview = self._preview(batch)
            rows = selectors.items_of(batch).exclude(status="left_out").order_by("id")[:SHOWN]
            by_hand = batch.status in (PayoutBatch.Status.RUNNING, PayoutBatch.Status.SENT) and self.may(
                request, *MANAGE
            )
            mine = {
                "preview": preview, "over": over, "begun": begun, "lines": [self._line(row) for row in rows],
                "percent": 100 * over // begun if begun else 0, "by_hand": by_hand,
                "moves": batch.is_running or (batch.status == PayoutBatch.Status.SENT and over < begun),
                "files": selectors.result_files(batch),
            }  # fmt: skip
            extra_context = {**(extra_context or {}), **mine}
        return super().change_view(request, object_id, form_url, extra_context)

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
        asked = self._proof(request, "Propose a batch of payouts")
        if asked is not None:
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
        return self._form(
            request, form, "Propose a batch", "Propose", "Nothing is paid yet: you see first who would be."
        )

    def bank_file(self, request: HttpRequest, pk: UUID) -> Any:
        """By a button, not by a link: it is written down who took the accounts of so many."""
        batch = self._managed(request, pk)
        asked = self._proof(request, f"The bank’s file of {batch}")
        if asked is not None:
            return asked
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[pk]))
        return services.bank_file(batch=batch, actor=request.user)

    def results(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Book what the bank says, all of it or nothing."""
        batch = self._managed(request, pk)
        asked = self._proof(request, f"Results of {batch}")
        if asked is not None:
            return asked
        form = ResultsForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            booked = self._book(request, batch, form)
            if booked:
                messages.success(request, booked)
                return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[pk]))
        return self._form(
            request, form, f"Results of {batch}", "Book them", "One row that can’t be booked, and none is."
        )

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

    def _proof(self, request: HttpRequest, what: str) -> HttpResponse | None:
        site: Any = self.admin_site
        found: HttpResponse | None = site.prove(request, what=what) if request.method == "POST" else None
        return found

    def _form(self, request: HttpRequest, form: Any, title: str, submit: str, intro: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": title, "form": form,
            "submit": submit, "intro": intro,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/form.html", context)


@admin.register(PayoutBatchItem)
class PayoutBatchItemAdmin(UplineModelAdmin):
    plural = "People in batches"
    view_keys = READ
    across_hides = ("method",)
    intro = "Everybody a batch looked at: what they are paid, or why not."
    empty_text = "A batch brings one for each person with earnings."
    list_display = ("batch", "user", "amount_shown", "by", "state", "why", "payout")
    list_select_related = ("batch", "user", "payout")
    list_filter = ("status", "gateway", "code")
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
        return badge(_TONE[row.status], row.get_status_display())

    @admin.display(description="why not", ordering="code")
    def why(self, row: PayoutBatchItem) -> str:
        return WHY.get(row.code, row.code)


class DiffersFilter(admin.SimpleListFilter):
    """What the gateway says otherwise than we do."""

    title = "difference"
    parameter_name = "differs"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Only those")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(difference="") if self.value() == "yes" else queryset


@admin.register(PayoutTransfer)
class PayoutTransferAdmin(UplineModelAdmin):
    plural = "Payouts at gateways"
    view_keys = READ
    intro = (
        "Each payout as its gateway has it, which is asked until it is over. A difference is for a person to look at."
    )
    empty_text = "A payout by Stripe or in crypto brings one."
    list_display = (
        "transfer",
        "created_at",
        "payout",
        "gateway",
        "state",
        "provider_state",
        "difference",
        "provider_id",
        "tries",
    )
    fields = (
        "payout", "gateway", "account", "status", "provider_id", "provider_state", "failure", "difference", "tries", "next_at",
        "created_at", "finished_at",
    )  # fmt: skip
    list_filter = ("status", "gateway", DiffersFilter)
    list_select_related = ("payout",)
    search_prefixes = ("provider_id",)
    search_help_text = "The beginning of the gateway’s id"

    @admin.display(description="transfer")
    def transfer(self, row: PayoutTransfer) -> str:
        return str(row)

    @admin.display(description="status", ordering="status")
    def state(self, row: PayoutTransfer) -> str:
        return badge({**_TONE, "sent": "processing"}[row.status], row.get_status_display())
