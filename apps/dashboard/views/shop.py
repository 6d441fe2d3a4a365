"""Buying at the site itself: what is on sale, my orders, and paying for one.

Paying happens at Stripe: by its card form in our page, or, where nothing is real, on the pay page of a Stripe of our own. An
order knows that it is paid by Stripe's word alone, so its page waits for that.
"""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalogue import shelf
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.phases import call_out
from apps.dashboard.forms import ShopForm
from apps.dashboard.pages import done, member_page, refusal
from apps.dashboard.paging import paginate
from apps.dashboard.views import paying
from apps.orders import services
from apps.orders.invoice_pdf import invoice_file
from apps.orders.models import Order
from apps.payments.services import call_off, owed, takes_payments


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def shop(request: Any) -> HttpResponse:
    products = shelf.products()
    form = ShopForm(request.POST or None, products=products)
    if request.method != "POST":
        return _show(request, form)
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        order, payment = services.place_order(user=request.user, items=form.items())
    except DomainError as error:
        form.refuse(error)
        return _show(request, form, status=error.status)
    return open_order(request, order, payment)


def _show(request: Any, form: ShopForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "rows": form.rows(), "takes_payments": takes_payments()}
    return render(request, "dashboard/shop.html", context, status=status)


@require_POST
@member_page
def activate(request: Any) -> HttpResponse:
    """Become a partner by paying for it (H5)."""
    try:
        order, payment = services.subscribe(user=request.user)
    except DomainError as error:
        return refusal(request, error)
    return open_order(request, order, payment)


def open_order(request: Any, order: Order, payment: Any) -> HttpResponse:
    """Stripe makes the payment; then the order's page. Where it doesn't, nothing stays taken and the page says so."""
    page = reverse("dashboard:order", args=[order.pk])
    return paying.start(request, payment, page, lambda: services.drop_order(order=order))


@require_safe
@member_page
def orders(request: Any) -> HttpResponse:
    """What I bought, here or at a shop of the site's."""
    page = paginate(request, _mine(request).prefetch_related("lines"))
    return render(request, "dashboard/orders.html", {"page": page})


@require_safe
@member_page
def order(request: Any, pk: UUID) -> HttpResponse:
    found = _found(request, pk)
    waits = found.status in Order.PAYABLE
    payment = services.open_payment_of(found) if found.source == Order.Source.CHECKOUT else None
    context = {
        "order": found, "lines": list(found.lines.all()), "refunds": list(found.refunds.order_by("id")), "waits": waits,
        "payment": payment, "returned": waits and paying.RETURNED in request.GET,
        "invoice": found.invoices.first(),
        "owed": owed(payment) if payment is not None else 0,
    }  # fmt: skip
    return render(request, "dashboard/order.html", context)


@require_safe
@member_page
def invoice(request: Any, pk: UUID) -> HttpResponse:
    paper = _found(request, pk).invoices.select_related("order").first()
    if paper is None:
        return refusal(request, NotFound())
    return invoice_file(paper)


@require_safe
@member_page
def pay(request: Any, pk: UUID) -> HttpResponse:
    """Where the money is asked for: Stripe's form, or the pay page that stands in for it."""
    found = _found(request, pk)
    if found.status not in Order.PAYABLE:
        return redirect("dashboard:order", found.pk)
    return paying.ask(request, services.open_payment_of(found), reverse("dashboard:order", args=[found.pk]))


@require_POST
@member_page
def cancel(request: Any, pk: UUID) -> HttpResponse:
    """Give an unpaid order up."""
    found = _found(request, pk)
    if found.status not in Order.PAYABLE:
        return refusal(request, Conflict("invalid_state", f"This order is {found.status.replace('_', ' ')}."))

    def finish(state: str) -> HttpResponse:
        try:
            services.cancel_order(order=found, state=state, actor=request.user, reason="By its buyer.")
        except DomainError as error:
            return refusal(request, error)
        return done(request, "The order is cancelled; nothing was charged.", "dashboard:order", found.pk)

    try:
        call = call_off(services.open_payment_of(found))
    except DomainError as error:
        return refusal(request, error)
    return call_out(request, call, finish, lambda error: paying.told(request, error))


def _mine(request: Any) -> Any:
    return Order.objects.filter(customer__user=request.user)


def _found(request: Any, pk: UUID) -> Order:
    found: Order | None = _mine(request).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found
