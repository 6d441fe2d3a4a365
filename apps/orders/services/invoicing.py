"""Invoices: numbered one after the other once an order that was bought here is paid."""

from collections.abc import Sequence

from django.db.models import Max

from apps.core.locks import hold
from apps.core.models import OutboxEvent
from apps.orders.models import Invoice, Order
from apps.sites.selectors import current_site, site_settings


def issue_invoices(events: Sequence[OutboxEvent]) -> None:
    """Consumes `order.sold` {order_id}. What a shop reported has the shop's own invoice.

    Outside of the payment's transaction: numbers without a gap are given one after the other, and no buyer waits for that.
    """
    hold("orders.invoices")
    ids = [event.payload["order_id"] for event in events]
    orders = Order.objects.filter(pk__in=ids, invoices=None).select_related("user", "customer")
    last = Invoice.objects.aggregate(last=Max("number"))["last"] or 0
    seller, details = current_site().name, site_settings().invoice_details
    invoices = [
        Invoice(
            order=order, number=number, seller=seller, seller_details=details,
            buyer_name=order.user.full_name if order.user else "", buyer_email=order.customer.email or "",
        )
        for number, order in enumerate(orders.order_by("recorded_at", "pk"), start=last + 1)
    ]  # fmt: skip
    Invoice.objects.bulk_create(invoices)
