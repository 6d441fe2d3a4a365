"""Money on its way out: the one in flight, the next one with its conditions, what came before."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localtime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.allocations.models import BUYER
from apps.allocations.selectors import with_buyers
from apps.core.errors import DomainError, NotFound
from apps.core.forms import PageForm
from apps.core.money import format_money
from apps.core.phases import call_out
from apps.dashboard import selectors
from apps.dashboard.forms import BankForm, CryptoForm, PayoutForm, UpiForm
from apps.dashboard.pages import done, partner_page, refusal
from apps.dashboard.paging import paginate
from apps.dashboard.proving import prove
from apps.payments.services import takes_payments
from apps.payouts import gateways, services
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutMethod
from apps.payouts.returning import way_back
from apps.payouts.services import connecting
from apps.sites.selectors import site_settings
from apps.wallet.selectors import wallet_summary

TOKENS_SHOWN = 10
METHOD_FORMS: dict[str, type[PageForm]] = {"bank": BankForm, "upi": UpiForm, "crypto": CryptoForm}


def _payouts(request: Any) -> Any:
    return Payout.objects.select_related("method").filter(user_id=request.user.pk)


def _methods(request: Any) -> list[OwnMethod]:
    return list(OwnMethod.objects.filter(user_id=request.user.pk).order_by("-id"))


@require_http_methods(["GET", "HEAD", "POST"])
@partner_page("payout.create")
def payouts(request: Any) -> HttpResponse:
    if request.method != "POST":
        return _show(request)
    methods = _methods(request)
    form = _form(request, methods, request.POST)
    if not form.is_valid():
        return _show(request, form=form, status=400)
    chosen = next((method for method in methods if str(method.pk) == form.cleaned_data["method"]), None)
    try:
        payout = services.request_payout(user=request.user, amount=form.cleaned_data["amount"], method=chosen)
    except DomainError as error:
        form.refuse(error)
        return _show(request, form=form, status=error.status)
    return done(request, f"You asked for {format_money(payout.amount, payout.currency)}.", "dashboard:payouts")


def _form(request: Any, methods: list[OwnMethod], data: Any = None) -> PayoutForm:
    """The newest method that is ready and that something pays here is chosen already."""
    offered = gateways.offered_kinds() if methods else {}
    usual = next((str(method.pk) for method in methods if method.is_ready and method.kind in offered), "")
    choices = [(str(method.pk), _named(method)) for method in methods]
    return PayoutForm(data, currency=request.site.currency, methods=choices, initial={"method": usual})


def _is_connected(method: OwnMethod) -> bool:
    """At Stripe, or on the way there: another account needs this one removed."""
    return method.kind == PayoutMethod.Kind.STRIPE_CONNECT and method.state != OwnMethod.State.GONE


def _named(method: OwnMethod) -> str:
    return method.label if method.is_ready else f"{method.label} ({method.state_name.lower()})"


def _show(
    request: Any, *, form: Any = None, method_form: Any = None, kind: str = "", status: int = 200
) -> HttpResponse:
    methods, summary, settings = _methods(request), wallet_summary(request.user.pk), site_settings()
    forms = {name: method_form if name == kind else make(prefix=name) for name, make in METHOD_FORMS.items()}
    page = paginate(request, _payouts(request))
    context = {
        "form": form or _form(request, methods),
        "methods": methods,
        "bank_form": forms["bank"],
        "upi_form": forms["upi"],
        "crypto_form": forms["crypto"],
        "kind": kind,
        "connects": takes_payments() and not any(map(_is_connected, methods)),
        "rest_hours": settings.method_cooldown_hours,
        "expected": selectors.expected(request.user.pk, summary),
        "next": selectors.next_payout(request.user, request.partner, summary=summary, settings=settings),
        "page": page,
        "entries": selectors.entry_counts(page.rows),
        "paid": selectors.paid_total(request.user.pk),
        "tokens": with_buyers().filter(**{BUYER: request.user.pk}).order_by("-id")[:TOKENS_SHOWN],
    }
    return render(request, "dashboard/payouts.html", context, status=status)


@require_safe
@partner_page("payout.read")
def payout(request: Any, pk: UUID) -> HttpResponse:
    """One payout and what it is made of."""
    found = _payouts(request).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    page = paginate(request, selectors.shares_of(found), key="lot_id", descending=False)
    context = {
        "payout": selectors.in_steps(found),
        "page": page,
        "entries": selectors.entries(request.user.pk, page.rows),
    }
    return render(request, "dashboard/payout.html", context)


@require_POST
@partner_page("payout.create")
def cancel(request: Any, pk: UUID) -> HttpResponse:
    found = _payouts(request).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    services.cancel_payout(payout=found, user=request.user)
    return done(request, f"{found.number} is taken back. The money is available again.", "dashboard:payouts")


@require_POST
@partner_page("payout.create")
def add_method(request: Any, kind: str) -> HttpResponse:
    make = METHOD_FORMS.get(kind)
    if make is None:
        raise NotFound()
    form = make(request.POST, prefix=kind)
    if (asked := prove(request)) is not None:
        return asked
    if not form.is_valid():
        return _show(request, method_form=form, kind=kind, status=400)
    try:
        method = services.add_method(user=request.user, kind=kind, details=form.cleaned_data)
    except DomainError as error:
        form.refuse(error)
        return _show(request, method_form=form, kind=kind, status=error.status)
    rests = f" It can be used from {localtime(method.ready_at):%d %B, %H:%M}." if not method.is_ready else ""
    return done(request, f"{method.label} is added.{rests}", "dashboard:payouts")


@require_POST
@partner_page("payout.create")
def connect_stripe(request: Any) -> HttpResponse:
    """Have Stripe open an account for the partner; the next page leads to Stripe's."""
    if (asked := prove(request)) is not None:
        return asked
    try:
        account = connecting.begin_connecting(user=request.user, details={})
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("dashboard:payouts")
    return _go_to_stripe(request, account)


@require_http_methods(["GET", "HEAD", "POST"])
@partner_page("payout.create")
def method_connect(request: Any, pk: UUID) -> HttpResponse:
    """Once more to Stripe's page: its links are good once. A GET comes from there, where one had run out."""
    account = connecting.unfinished(user=request.user, method_id=pk)
    if request.method != "POST":
        return render(request, "dashboard/connect.html", {"method": account.method, "account": account})
    if (asked := prove(request)) is not None:
        return asked
    return _go_to_stripe(request, account)


@require_safe
@partner_page("payout.create")
def method_connected(request: Any, pk: UUID) -> HttpResponse:
    """Back from Stripe's page, finished or not: Stripe is asked, and says so on the page within a moment."""
    method = OwnMethod.objects.filter(user_id=request.user.pk, pk=pk).first()
    if method is None:
        raise NotFound()
    connecting.ask_about(method)
    return done(
        request, "Back from Stripe. What it says of your account stands beside it within a minute.", "dashboard:payouts"
    )


def _go_to_stripe(request: Any, account: ConnectAccount) -> HttpResponse:
    def answer(made: connecting.Connecting) -> HttpResponse:
        if not made.url:
            return done(request, f"{made.method.label}: {made.method.state_name}.", "dashboard:payouts")
        response = render(request, "dashboard/connect.html", {"method": made.method, "url": made.url})
        response["Cache-Control"] = "private, no-store"
        return response

    def failed(error: Exception) -> HttpResponse | None:
        connecting.start_over(account.pk, error)
        return refusal(request, error) if isinstance(error, DomainError) else None

    call, finish = connecting.start_connecting(account, way_back(request, account.method_id), answer)
    return call_out(request, call, finish, failed)


@require_POST
@partner_page("payout.create")
def remove_method(request: Any, pk: UUID) -> HttpResponse:
    method = OwnMethod.objects.filter(user_id=request.user.pk, pk=pk).first()
    if method is None:
        raise NotFound()
    if (asked := prove(request)) is not None:
        return asked
    services.remove_method(method=method, actor=request.user)
    return done(request, f"{method.label} is removed.", "dashboard:payouts")
