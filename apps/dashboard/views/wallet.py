"""What is mine, and every movement of it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.bonuses.selectors import bonuses
from apps.core.errors import DomainError
from apps.core.ids import read_uuid
from apps.core.money import format_money
from apps.dashboard.forms import DepositForm, TransferForm
from apps.dashboard.pages import done, member_page
from apps.dashboard.paging import paginate
from apps.payments.services import takes_payments
from apps.reports.periods import last_tax_years, presets
from apps.sites.selectors import site_day, site_settings
from apps.wallet import services
from apps.wallet.models import Deposit, Entry, Pocket
from apps.wallet.selectors import ledger_of, wallet_summary
from apps.wallet.services.guards import is_paid_for

BONUSES, RECENT = 10, 5


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def wallet(request: Any) -> HttpResponse:
    form = TransferForm(request.POST or None, currency=request.site.currency)
    if request.method != "POST":
        return show(request, form)
    if not form.is_valid():
        return show(request, form, status=400)
    try:
        return _transfer(request, form.cleaned_data["amount"])
    except DomainError as error:
        form.refuse(error)
        return show(request, form, status=error.status)


def _transfer(request: Any, amount: int) -> HttpResponse:
    currency = request.site.currency
    services.transfer_to_funds(user_id=request.user.pk, amount=amount, currency=currency)
    return done(request, f"{format_money(amount, currency)} moved to funds.", "dashboard:wallet")


def show(
    request: Any, form: TransferForm | None = None, *, deposit_form: DepositForm | None = None, status: int = 200
) -> HttpResponse:
    """At whatever address: what a form of it refused is shown where that was posted to."""
    path = reverse("dashboard:wallet")
    summary, settings = wallet_summary(request.user.pk), site_settings()
    enterprise_pays = is_paid_for(request.user.pk)
    context = {
        "summary": summary,
        "enterprise_pays": enterprise_pays,
        "is_low": not enterprise_pays and summary.funds < settings.low_balance,
        "low_balance": settings.low_balance,
        "moves_earnings": not enterprise_pays and (summary.available > 0 or (form is not None and form.is_bound)),
        "adds_funds": not enterprise_pays and takes_payments(),
        "form": form or TransferForm(currency=request.site.currency),
        "deposit_form": deposit_form or DepositForm(currency=request.site.currency),
        "deposits": list(Deposit.objects.filter(user=request.user).order_by("-id")[:RECENT]),
        "bonuses": paginate(request, bonuses().filter(referrer=request.user), size=BONUSES, param="bonuses", path=path),
        "presets": presets(),
        "tax_years": last_tax_years(),
        "today": site_day(),
        **_movements(request, path),
    }
    return render(request, "dashboard/wallet.html", context, status=status)


def _movements(request: Any, path: str) -> dict[str, Any]:
    """A page of the ledger, of the pocket and kind that were chosen."""
    pocket, kind = request.GET.get("pocket", ""), request.GET.get("kind", "")
    filters = {}
    if pocket in Pocket.values:
        filters["account__kind"] = pocket
    if kind in Entry.Kind.values:
        filters["entry__kind"] = kind
    page = paginate(request, ledger_of(request.user.pk).filter(**filters), path=path)
    for row in page.rows:
        row.payout = read_uuid(row.entry.ref_id) if row.entry.ref_type == "payout" else None  # a ref is any text
    return {
        "page": page, "filtered": bool(filters), "pocket": pocket, "pockets": Pocket.choices, "kind": kind,
        "kinds": Entry.Kind.choices,
    }  # fmt: skip
