"""What is mine, and every movement of it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError
from apps.core.money import format_money
from apps.dashboard.forms import TransferForm
from apps.dashboard.pages import done, member_page
from apps.dashboard.paging import paginate
from apps.wallet import services
from apps.wallet.models import Entry, Pocket
from apps.wallet.selectors import ledger_of, wallet_summary


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def wallet(request: Any) -> HttpResponse:
    form = TransferForm(request.POST or None, currency=request.site.currency)
    if request.method != "POST":
        return _show(request, form)
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        return _transfer(request, form.cleaned_data["amount"])
    except DomainError as error:
        form.refuse(error)
        return _show(request, form, status=error.status)


def _transfer(request: Any, amount: int) -> HttpResponse:
    currency = request.site.currency
    services.transfer_to_funds(user_id=request.user.pk, amount=amount, currency=currency)
    return done(request, f"{format_money(amount, currency)} moved to funds.", "dashboard:wallet")


def _show(request: Any, form: TransferForm, status: int = 200) -> HttpResponse:
    pocket, kind = request.GET.get("pocket", ""), request.GET.get("kind", "")
    rows = ledger_of(request.user.pk)
    if pocket in Pocket.values:
        rows = rows.filter(account__kind=pocket)
    if kind in Entry.Kind.values:
        rows = rows.filter(entry__kind=kind)
    page = paginate(request, rows)
    for row in page.rows:
        row.balance_after = row.account.balance.balance - row.later
        row.payout = _uuid(row.entry.ref_id) if row.entry.ref_type == "payout" else None
    context = {
        "summary": wallet_summary(request.user.pk),
        "page": page,
        "form": form,
        "pocket": pocket,
        "kind": kind,
        "filtered": pocket in Pocket.values or kind in Entry.Kind.values,
        "pockets": Pocket.choices,
        "kinds": Entry.Kind.choices,
    }
    return render(request, "dashboard/wallet.html", context, status=status)


def _uuid(text: str) -> UUID | None:
    """Refs are any text; a payout's is its id."""
    try:
        return UUID(text)
    except ValueError:
        return None
