"""Where money is asked for: Stripe's form in our page, or, where nothing is real, the pay page of a Stripe of our own."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from apps.core.errors import DomainError
from apps.core.phases import call_out
from apps.dashboard.pages import refusal
from apps.payments.models import Payment
from apps.payments.services import account_of, start_payment

RETURNED = "paid"
"""Said by the address one comes back to from paying: then the page waits for Stripe's word."""


def start(request: Any, payment: Payment, page: str, drop: Callable[[], Any]) -> HttpResponse:
    """Have Stripe make it, then show `page`. Where Stripe doesn't, `drop` gives up what was to be paid and the page says so.

    Raises Conflict payments_unavailable.
    """

    def failed(error: Exception) -> HttpResponse | None:
        drop()
        return told(request, error)

    call, finish = start_payment(payment, lambda intent: HttpResponseRedirect(page))
    return call_out(request, call, finish, failed)


def ask(request: Any, payment: Payment, page: str) -> HttpResponse:
    """Ask for this payment; `page` is where one comes back to, paid or not."""
    back = request.build_absolute_uri(f"{page}?{RETURNED}=1")

    def answer(intent: Any) -> HttpResponse:
        if settings.UPLINE_STRIPE_PAY_URL:
            return HttpResponseRedirect(
                f"{settings.UPLINE_STRIPE_PAY_URL}{intent.client_secret}?return_url={quote(back, safe='')}"
            )
        key, secret = account_of(payment).publishable_key, intent.client_secret
        context = {"payment": payment, "key": key, "client_secret": secret, "back": back, "not_now": page}
        response = render(request, "dashboard/pay.html", context)
        response["Cache-Control"] = "private, no-store"
        return response

    try:
        call, finish = start_payment(payment, answer)
    except DomainError as error:
        return refusal(request, error)
    return call_out(request, call, finish, lambda error: told(request, error))


def told(request: Any, error: Exception) -> HttpResponse | None:
    return refusal(request, error) if isinstance(error, DomainError) else None
