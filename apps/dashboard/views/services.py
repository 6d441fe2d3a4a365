"""What I own and renew, and what the people below me bought (H10)."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.catalogue import shelf
from apps.core.errors import DomainError, NotFound
from apps.dashboard.pages import done, member_page, partner_page, refusal
from apps.dashboard.paging import paginate
from apps.dashboard.views.shop import open_order
from apps.orders import services
from apps.orders.models import Service
from apps.referrals.models import MAX_LEVEL
from apps.referrals.selectors import name_below
from apps.reports.selectors import bought_by_downline


@require_safe
@member_page
def mine(request: Any) -> HttpResponse:
    page = paginate(request, Service.objects.filter(customer__user=request.user))
    on_sale = {product["sku"]: product for product in shelf.products()}
    for row in page.rows:
        row.renewal = None if row.status == Service.Status.CANCELLED else on_sale.get(row.sku)
        row.price = row.renewal["price"] * row.quantity if row.renewal else 0
    return render(request, "dashboard/services.html", {"page": page})


@require_POST
@member_page
def renew(request: Any, pk: UUID) -> HttpResponse:
    """An order for another period of it; its page is where one pays."""
    found = _found(request, pk)
    try:
        item = services.Item(found.sku, found.quantity, renews=found.pk)
        order, payment = services.place_order(user=request.user, items=[item])
    except DomainError as error:
        return refusal(request, error)
    return open_order(request, order, payment)


@require_POST
@member_page
def cancel(request: Any, pk: UUID) -> HttpResponse:
    found = _found(request, pk)
    services.cancel_service(service=found, actor=request.user, reason="By its buyer.")
    return done(request, f"{found} is cancelled and won’t be renewed.", "dashboard:services")


@require_safe
@partner_page("referral.read")
def sales(request: Any) -> HttpResponse:
    """What people on all levels below bought, newest first, with what it earned me."""
    rows: Any = bought_by_downline(request.partner)
    status, level = request.GET.get("status", ""), request.GET.get("level", "")
    if status in Service.Status.values:
        rows = rows.filter(standing=status)
    if level.isascii() and level.isdigit() and 1 <= int(level[:3]) <= MAX_LEVEL:
        rows = rows.filter(buyer_level=int(level[:3]))
    page = paginate(request, rows)
    for row in page.rows:
        buyer = row.order.user
        row.buyer = name_below(buyer.full_name, buyer.email) if buyer else "A guest"
    context = {
        "page": page, "status": status, "level": level, "statuses": Service.Status.choices, "filtered": bool(status or level),
        "levels": [str(number) for number in range(1, MAX_LEVEL + 1)],
    }  # fmt: skip
    return render(request, "dashboard/sales.html", context)


def _found(request: Any, pk: UUID) -> Service:
    found: Service | None = Service.objects.filter(customer__user=request.user, pk=pk).first()
    if found is None:
        raise NotFound()
    return found
