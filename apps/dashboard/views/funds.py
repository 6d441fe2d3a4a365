"""Adding funds, statements and the tax-year summary."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import exports
from apps.core.api.throttling import client_ip
from apps.core.errors import DomainError, Invalid, NotFound
from apps.dashboard.forms import DepositForm
from apps.dashboard.pages import member_page, refusal
from apps.dashboard.views import paying
from apps.dashboard.views.wallet import show
from apps.payments.services import owed
from apps.reports import periods, sheets, tax
from apps.reports.statements import statement as statement_of
from apps.wallet import services
from apps.wallet.models import Deposit
from apps.wallet.services.deposits import payment_of


@require_POST
@member_page
def add_funds(request: Any) -> HttpResponse:
    form = DepositForm(request.POST, currency=request.site.currency)
    if not form.is_valid():
        return show(request, deposit_form=form, status=400)
    try:
        deposit, payment = services.open_deposit(
            user=request.user, amount=form.cleaned_data["amount"], ip_address=client_ip(request)
        )
        page = reverse("dashboard:deposit", args=[deposit.pk])
        return paying.start(request, payment, page, lambda: services.drop_deposit(deposit=deposit))
    except DomainError as error:
        form.refuse(error)
        return show(request, deposit_form=form, status=error.status)


@require_safe
@member_page
def deposit(request: Any, pk: UUID) -> HttpResponse:
    found = _found(request, pk)
    waits = found.status == Deposit.Status.PENDING
    payment = payment_of(found)
    context = {
        "deposit": found, "waits": waits, "payment": payment, "returned": waits and paying.RETURNED in request.GET,
        "owed": owed(payment),
    }  # fmt: skip
    return render(request, "dashboard/deposit.html", context)


@require_safe
@member_page
def pay(request: Any, pk: UUID) -> HttpResponse:
    found = _found(request, pk)
    page = reverse("dashboard:deposit", args=[found.pk])
    if found.status != Deposit.Status.PENDING:
        return redirect(page)
    return paying.ask(request, payment_of(found), page)


@require_safe
@member_page
def statement(request: Any) -> Any:
    try:
        days = periods.read_days(_asked(request.GET))
        file_format = exports.read_format(request.GET.get("format", "pdf"))
        return exports.export(statement_of(user=request.user, days=days), file_format, actor=request.user)
    except Invalid as error:
        messages.error(request, error.message)
        return redirect("dashboard:wallet")
    except DomainError as error:
        return refusal(request, error)


def _asked(query: Any) -> dict[str, str]:
    """What the form sends: its choice is `quarter=2026-Q1` or the like, and days that were filled in win over it."""
    given = {name: value for name, value in query.items() if value}
    kind, _, value = given.pop("period", "").partition("=")
    return given if "from" in given or "to" in given or not kind else {**given, kind: value}


@require_safe
@member_page
def tax_summary(request: Any) -> Any:
    """A page, or with `?format=` a file."""
    try:
        year = periods.read_tax_year(request.GET.get("year"))
        if "format" in request.GET:
            file_format = exports.read_format(request.GET["format"])
            sheet = sheets.tax_sheet(user=request.user, year=year, actor=request.user)
            return exports.export(sheet, file_format, actor=request.user)
    except DomainError as error:
        return refusal(request, error)
    context = {"told": tax.summary(request.user.pk, year), "years": periods.last_tax_years()}
    return render(request, "dashboard/tax_summary.html", context)


def _found(request: Any, pk: UUID) -> Deposit:
    found = Deposit.objects.filter(pk=pk, user=request.user).first()
    if found is None:
        raise NotFound()
    return found
