"""Adding funds, and the statement of a month."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import exports
from apps.core.api.throttling import client_ip
from apps.core.errors import DomainError, NotFound
from apps.core.phases import call_out
from apps.dashboard.forms import DepositForm
from apps.dashboard.pages import member_page, refusal
from apps.dashboard.views import paying
from apps.dashboard.views.wallet import show
from apps.payments.services import start_payment
from apps.wallet import services, statements
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
        call, finish = start_payment(
            payment, lambda intent: HttpResponseRedirect(reverse("dashboard:deposit", args=[deposit.pk]))
        )
    except DomainError as error:
        form.refuse(error)
        return show(request, deposit_form=form, status=error.status)

    def failed(error: Exception) -> HttpResponse | None:
        services.drop_deposit(deposit=deposit)
        return paying.told(request, error)

    return call_out(request, call, finish, failed)


@require_safe
@member_page
def deposit(request: Any, pk: UUID) -> HttpResponse:
    found = _found(request, pk)
    waits = found.status == Deposit.Status.PENDING
    context = {
        "deposit": found, "waits": waits, "payment": payment_of(found), "returned": waits and paying.RETURNED in request.GET,
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
        month = statements.read_month(request.GET.get("month", ""))
        file_format = exports.read_format(request.GET.get("format", "pdf"))
        return exports.export(statements.statement(user=request.user, month=month), file_format, actor=request.user)
    except DomainError as error:
        return refusal(request, error)


def _found(request: Any, pk: UUID) -> Deposit:
    found = Deposit.objects.filter(pk=pk, user=request.user).first()
    if found is None:
        raise NotFound()
    return found
