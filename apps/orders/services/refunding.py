"""Giving money back (X10). The shop has done it; here it is recorded, and what was paid on it follows."""

from django.db import transaction

from apps.audit import services as audit
from apps.audit.services import Actor
from apps.core import money, outbox
from apps.core.errors import Conflict, Invalid
from apps.orders.models import Customer, Order, OrderLine, Refund, RefundLine
from apps.orders.services.activation import revoke_by_refund
from apps.orders.services.owning import cancel_by_refund
from apps.orders.services.recording import digest
from apps.payments.errors import own


@transaction.atomic
def refund_order(
    *, order: Order, external_id: str, amount: int | None = None, reason: str = "", actor: Actor
) -> tuple[Refund, bool]:
    """PAID, PARTIALLY_REFUNDED -> PARTIALLY_REFUNDED or REFUNDED. Returns the refund, and whether it is new.

    `amount` None is all that is left. It spreads over the lines in proportion to what is left of each, by largest remainder.
    Commissions follow from `order.refunded` {refund_id}. Raises Conflict (invalid_state, external_id_conflict), Invalid
    (refund_exceeds_order), Denied (own_order).
    """
    refuse_own(order, actor)
    order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    fingerprint = digest([amount, reason])
    known = Refund.objects.filter(order=order, external_id=external_id).first()
    if known is not None:
        if known.fingerprint != fingerprint:
            raise Conflict(
                "external_id_conflict", "This refund was reported before, with other contents.", field="external_id"
            )
        return known, False
    if order.status not in Order.REFUNDABLE:
        raise Conflict("invalid_state", f"This order is {order.status.replace('_', ' ')}.")
    amount = order.rest if amount is None else amount
    if amount > order.rest:
        raise Invalid("refund_exceeds_order", f"Only {order.rest} of this order is left.", field="amount")
    refund = Refund.objects.create(
        order=order, external_id=external_id, fingerprint=fingerprint, amount=amount, reason=reason
    )
    _spread(refund, order)
    _reduce(order, amount)
    audit.record(
        actor=actor, action="order.refunded", target=order, reason=reason,
        after={"refund": external_id, "amount": amount, "status": order.status},
    )  # fmt: skip
    if order.status == Order.Status.REFUNDED:
        cancel_by_refund(order=order)
        revoke_by_refund(order=order)
    outbox.publish("order.refunded", key=str(refund.pk), payload={"refund_id": str(refund.pk)})
    return refund, True


def refuse_own(order: Order, actor: Actor) -> None:
    """Whoever bought it doesn't decide that the money comes back, whatever else they may. Raises Denied own_order."""
    user_id = actor.actor_id
    if user_id is None:
        return
    if order.user_id == user_id or Customer.objects.filter(pk=order.customer_id, user_id=user_id).exists():
        raise own("order")


def _spread(refund: Refund, order: Order) -> None:
    lines = list(OrderLine.objects.filter(order=order).order_by("id"))
    parts = money.split(refund.amount, [line.rest for line in lines])
    touched = []
    for line, part in zip(lines, parts, strict=True):
        if part:
            line.refunded_amount += part
            touched.append((line, part))
    OrderLine.objects.bulk_update([line for line, _ in touched], ["refunded_amount"])
    RefundLine.objects.bulk_create([RefundLine(refund=refund, line=line, amount=part) for line, part in touched])


def _reduce(order: Order, amount: int) -> None:
    order.refunded_amount += amount
    following = Order.Status.PARTIALLY_REFUNDED if order.rest else Order.Status.REFUNDED
    if order.status != following:
        order.advance(to=following)
    order.save(update_fields=["refunded_amount", "status"])
