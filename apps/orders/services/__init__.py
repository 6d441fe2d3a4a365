"""Every write of orders, refunds, customers and services."""

from apps.orders.services.customers import bind_customer_to_member
from apps.orders.services.invoicing import issue_invoices
from apps.orders.services.owning import cancel_service, expire_services
from apps.orders.services.payments import (
    ask_refund,
    cancel_order,
    drop_order,
    find_refund,
    lapse_order,
    lapsed_orders,
)
from apps.orders.services.placing import Item, open_payment_of, place_order, subscribe
from apps.orders.services.recording import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.refunding import refund_order

__all__ = [
    "ExternalOrder",
    "Item",
    "ReportedLine",
    "ask_refund",
    "bind_customer_to_member",
    "cancel_order",
    "cancel_service",
    "drop_order",
    "expire_services",
    "find_refund",
    "issue_invoices",
    "lapse_order",
    "lapsed_orders",
    "open_payment_of",
    "place_order",
    "record_external_order",
    "refund_order",
    "subscribe",
]
