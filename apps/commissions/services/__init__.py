"""Every write of the commissions app."""

from apps.commissions.services.commissioning import commission_orders, orders_paid
from apps.commissions.services.decisions import (
    Decided,
    approve_commission,
    approve_commissions,
    approve_due,
    reject_commission,
)
from apps.commissions.services.earnings import lots_consumed
from apps.commissions.services.overrides import set_overrides
from apps.commissions.services.plans import create_plan, publish_plan, update_plan
from apps.commissions.services.refunds import mirror_refund, orders_refunded

__all__ = [
    "Decided",
    "approve_commission",
    "approve_commissions",
    "approve_due",
    "commission_orders",
    "create_plan",
    "lots_consumed",
    "mirror_refund",
    "orders_paid",
    "orders_refunded",
    "publish_plan",
    "reject_commission",
    "set_overrides",
    "update_plan",
]
