"""Every write of orders, refunds and customers."""

from apps.orders.services.customers import bind_customer_to_member
from apps.orders.services.recording import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.refunding import refund_order

__all__ = ["ExternalOrder", "ReportedLine", "bind_customer_to_member", "record_external_order", "refund_order"]
