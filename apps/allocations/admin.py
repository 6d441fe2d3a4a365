"""Tokens to send, and what became of them."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.allocations import selectors, services
from apps.allocations.models import Allocation, AllocationBatch, Transfer
from apps.allocations.services import batches
from apps.core.backoffice import (
    OnlyFilter,
    Outcome,
    ReasonForm,
    UplineModelAdmin,
    attempt,
    badge,
    bulk,
    decision,
    named,
    repeated,
)
from apps.core.errors import DomainError
from apps.custody.gateways import plain
from apps.custody.services import custody

READ, SEND = ("payout.read", "payout.manage"), ("payout.manage",)
# What the design kit calls the states.
_TONE = {
    "pending": "pending", "waiting": "pending", "processing": "processing", "sent": "processing", "completed": "paid",
    "failed": "rejected", "cancelled": "reversed",
}  # fmt: skip
_WAITS = {
    "dispute": "a bank disputes the payment", "account": "a guest, who has no account yet", "frozen": "the buyer is frozen",
    "address": "no address on the token's network", "address_rests": "a new address rests, since it took another's place",
}  # fmt: skip
_REFUSED = {
    "invalid_state": "not waiting any more", "account_missing": _WAITS["account"], "address_missing": _WAITS["address"],
    "address_rests": _WAITS["address_rests"],
    "order_disputed": _WAITS["dispute"], "partner_frozen": _WAITS["frozen"],
    "nothing_to_send": "less than the token's smallest part", batches.OWN: "yours: somebody else has to send them",
}  # fmt: skip


def tokens(name: str, *, label: str = "") -> Any:
    """A column of an exact amount of tokens."""

    @admin.display(description=label or name, ordering=name)
    def shown(self: Any, row: Any) -> str:
        amount: Decimal = getattr(row, name)
        return plain(amount) if amount else ""

    return shown


@admin.display(description="transaction", ordering="tx_hash")
def hash_shown(self: Any, row: Any) -> str:
    """Its beginning: lists have other columns too, and the row's page has it all."""
    return f"{row.tx_hash[:12]}…" if row.tx_hash else ""


# Refunded after it was sent, and what the custodian says otherwise than we do: both are for a person to look at.
OverpaidFilter = OnlyFilter.of("overpaid", title="refunded after sending", holds=Q(overpaid__gt=0), word="Yes")
DifferenceFilter = OnlyFilter.of("differs", title="difference", holds=~Q(difference=""))


@admin.register(Allocation)
class AllocationAdmin(UplineModelAdmin):
    view_keys = READ
    intro = "Tokens owed for paid orders. Choose those to send: a batch takes a hundred, and who can't be sent to is left out."
    empty_text = "The first paid order with tokens brings one."
    list_display = ("number", "buyer", "tokens_shown", "state", "waiting", "overpaid_shown", "hash_shown", "created_at")
    list_filter = ("status", OverpaidFilter)
    search_prefixes = ("order__customer__email", "order__external_id", "tx_hash")
    search_help_text = "The beginning of an e-mail, an order's number or a transaction's hash"
    action_form = ReasonForm
    actions = ("send", "retry")
    exclude = ("tokens", "ordered", "overpaid")
    readonly_fields = ("tokens_shown", "ordered_shown", "overpaid_shown")
    tokens_shown, ordered_shown = tokens("tokens"), tokens("ordered")
    overpaid_shown = tokens("overpaid", label="refunded since")
    hash_shown = hash_shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return selectors.with_buyers().order_by(*self.ordering)

    @admin.display(description="allocation")
    def number(self, row: Allocation) -> str:
        return str(row)

    @admin.display(description="buyer")
    def buyer(self, row: Allocation) -> str:
        customer = row.order.customer
        return named(customer.user, customer.user.email) if customer.user is not None else str(customer)

    @admin.display(description="status", ordering="status")
    def state(self, row: Allocation) -> str:
        return badge(_TONE[row.status], row.get_status_display())

    @admin.display(description="why")
    def waiting(self, row: Allocation) -> str:
        return _WAITS.get(row.waits_for, row.reason)

    def note_of(self, obj: Allocation) -> str:
        return f"{plain(obj.tokens)} tokens of {obj.order}"

    def offers(self, action: str, obj: Allocation) -> bool:
        return obj.status == {"send": Allocation.Status.PENDING, "retry": Allocation.Status.FAILED}[action]

    def has_send_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *SEND)

    @decision("Send the tokens", needs="send", done="allocation{s} on the way", moves_money=True, look="before_sending")
    def send(self, request: HttpRequest, rows: QuerySet[Allocation], reason: str) -> Outcome:
        """In batches of a hundred; what can't be sent is left out and named."""
        actor: Any = request.user
        outcome, ids = Outcome(), list(rows.order_by("id").values_list("pk", flat=True))
        for start in range(0, len(ids), batches.MOST):
            try:
                with transaction.atomic():
                    self._send(ids[start : start + batches.MOST], actor, outcome)
            except DomainError as error:
                outcome.refused += [(str(pk), error.message) for pk in ids[start : start + batches.MOST]]
        return outcome

    def before_sending(self, request: HttpRequest, rows: QuerySet[Allocation]) -> HttpResponse:
        """Who would be sent what and where, and who can't be and why. What is decided is decided again when it is sent."""
        try:
            account = custody()
        except DomainError as error:
            self.message_user(request, error.message, "error")
            return HttpResponseRedirect(request.get_full_path())
        chosen = list(rows.order_by("id")[: bulk.AT_ONCE])
        ready, refused = batches.choose(chosen, account, sender_id=request.user.pk)
        by_id = {str(row.pk): row for row in chosen}
        stays = [(by_id[pk], _REFUSED[code]) for pk, code in refused]
        more = max(rows.count() - len(chosen), 0)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": "Send tokens",
            "custody": account, "total": plain(batches.sum_of(ready)), "more": more, "repeated": repeated(request),
            "batches": -(-len(ready) // batches.MOST), "action_url": request.get_full_path(),
            "ready": [
                {"allocation": row.allocation, "buyer": self.buyer(row.allocation), "tokens": plain(row.tokens),
                 "address": row.address.label}
                for row in ready
            ],
            "refused": [{"allocation": row, "buyer": self.buyer(row), "why": why} for row, why in stays],
            "confirm": f"Send to {len(ready)}{' and the rest' if more else ''}" if ready or more else "",
            "back": request.POST.get("next") or request.path,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/send_allocations.html", context)

    @staticmethod
    def _send(ids: list[Any], actor: Any, outcome: Outcome) -> None:
        chosen = batches.lock(ids)
        ready, refused = batches.choose(chosen, custody(), sender_id=actor.pk)
        if ready:
            services.send_batch(allocation_ids=[row.allocation.pk for row in ready], actor=actor)
        names = {str(row.pk): str(row) for row in chosen}
        outcome.done += len(ready)
        outcome.refused += [(names[pk], _REFUSED[code]) for pk, code in refused]

    @decision("Let failed ones be sent again", needs="send", done="allocation{s} waiting again", moves_money=True)
    def retry(self, request: HttpRequest, rows: QuerySet[Allocation], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.retry_allocation(allocation=row, actor=actor))


@admin.register(AllocationBatch)
class AllocationBatchAdmin(UplineModelAdmin):
    plural = "Token batches"
    view_keys = READ
    intro = "What was sent at once, and how far it is."
    empty_text = "Choose allocations and send them."
    list_display = ("number", "created_at", "created_by", "asset", "count", "tokens_shown", "progress")
    list_select_related = ("created_by",)
    exclude = ("tokens",)
    readonly_fields = ("tokens_shown", "progress")
    change_form_template = "admin/tools/allocation_batch.html"
    tokens_shown = tokens("tokens")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How far each transfer is. The page comes anew by itself until all are over."""
        batch = self.get_object(request, object_id) if self.has_view_permission(request) else None
        if batch is not None:
            rows = [self._transfer(row) for row in selectors.transfers_of(batch)]
            extra_context = {**(extra_context or {}), "transfers": rows, "progress": self.progress(batch)}
        return super().change_view(request, object_id, form_url, extra_context)

    @staticmethod
    def _transfer(row: Transfer) -> dict[str, Any]:
        customer = row.allocation.order.customer
        return {
            "allocation": row.allocation, "tokens": plain(row.tokens), "to": row.destination_label, "state": row.provider_state,
            "buyer": named(customer.user, customer.user.email) if customer.user is not None else str(customer),
            "badge": badge(_TONE[row.status], row.get_status_display()), "why": row.difference or row.failure,
            "hash": row.tx_hash,
        }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return selectors.batches().order_by(*self.ordering)

    @admin.display(description="batch")
    def number(self, row: AllocationBatch) -> str:
        return str(row)

    @admin.display(description="progress")
    def progress(self, row: Any) -> str:
        said = [
            (row.completed, "arrived"),
            (row.sent, "on the way"),
            (row.waiting, "to be sent"),
            (row.failed, "failed"),
        ]
        return ", ".join(f"{count} {word}" for count, word in said if count)


@admin.register(Transfer)
class TransferAdmin(UplineModelAdmin):
    view_keys = READ
    intro = (
        "Each sending as the custodian has it, who is asked until it is over. A difference is for a person to look at."
    )
    empty_text = "A batch brings one for each allocation."
    list_display = (
        "number", "created_at", "allocation", "tokens_shown", "destination_label", "state", "provider_state", "difference",
        "hash_shown",
    )  # fmt: skip
    fields = (
        "batch", "allocation", "asset", "destination_label", "status", "provider_id", "provider_state", "failure", "difference",
        "tx_hash", "tries", "next_at", "created_at", "finished_at", "tokens_shown",
    )  # fmt: skip
    list_filter = ("status", DifferenceFilter)
    list_select_related = ("allocation",)
    search_prefixes = ("provider_id", "tx_hash")
    search_help_text = "The beginning of the custodian's id or of a transaction's hash"
    action_form = ReasonForm
    actions = ("settle",)
    exclude = ("destination", "tokens")
    readonly_fields = ("tokens_shown",)
    tokens_shown = tokens("tokens")
    hash_shown = hash_shown

    def has_send_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *SEND)

    def offers(self, action: str, obj: Transfer) -> bool:
        return bool(obj.difference)

    @decision(
        "Settle the difference, with what came of it",
        needs="send",
        done="difference{s} settled",
        reason=True,
        moves_money=True,
    )
    def settle(self, request: HttpRequest, rows: QuerySet[Transfer], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.settle_difference(transfer=row, actor=actor, reason=reason))

    @admin.display(description="transfer")
    def number(self, row: Transfer) -> str:
        return str(row)

    @admin.display(description="status", ordering="status")
    def state(self, row: Transfer) -> str:
        return badge(_TONE[row.status], row.get_status_display())
