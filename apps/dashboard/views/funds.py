"""Adding funds, and the statement of a month."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import exports
from apps.core.api.throttling import client_ip
from apps.core.errors import DomainError, NotFound
from apps.dashboard.forms import DepositForm
from apps.dashboard.pages import member_page, refusal
from apps.dashboard.views import paying
from apps.dashboard.views.wallet import show
from apps.payments.services import owed
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
