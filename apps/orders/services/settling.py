"""What follows from an order's payment, whoever was paid: the shop outside or our own checkout."""

from collections.abc import Sequence

from apps.audit import services as audit
from apps.audit.services import Actor
from apps.core import outbox
from apps.orders.models import Order, OrderLine
from apps.orders.services.activation import activate_by_purchase
from apps.orders.services.owning import give_services
from apps.referrals.models import Partner


def settle(order: Order, lines: Sequence[OrderLine], *, partner: Partner | None, actor: Actor, action: str) -> None:
    """Its buyer becomes active and owns what they bought; commissions and tokens follow from `order.paid` {order_id}, the invoice
    of what was sold here from `order.sold` {order_id}.

    `order` became PAID in this transaction; `partner` is its buyer.
    """
    if partner is not None:
        activate_by_purchase(partner=partner, order=order, lines=lines)
    give_services(order, lines)
    audit.record(actor=actor, action=action, target=order, after={"amount": order.amount, "currency": order.currency})
    outbox.publish("order.paid", key=str(order.pk), payload={"order_id": str(order.pk)})
    if order.source == Order.Source.CHECKOUT:
        outbox.publish("order.sold", key=str(order.pk), payload={"order_id": str(order.pk)})
