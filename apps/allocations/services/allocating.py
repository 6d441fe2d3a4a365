"""Tokens follow from paid orders and their refunds, once and in any order (R5).

What is owed is worked out anew from the order line each time: ordered × what is left of the line ÷ the line. So an event that
comes twice, late or beside another one changes nothing.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from uuid import UUID

from apps.allocations.models import Allocation
from apps.audit import services as audit
from apps.core.models import OutboxEvent
from apps.orders.models import Order, OrderLine, Refund

Status = Allocation.Status

PLACES = Decimal(1).scaleb(-18)


def allocate_orders(events: Sequence[OutboxEvent]) -> None:
    """Consumes `order.paid` {order_id}: an allocation for each line that has tokens."""
    ids = [UUID(event.payload["order_id"]) for event in events]
    # A refund locks the order too: either it sees the allocation, or we see the refund.
    orders = list(
        Order.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    )
    lines = OrderLine.objects.filter(order_id__in=orders, tokens__gt=0).order_by("id")
    rows = [Allocation(order_id=line.order_id, line=line, ordered=line.tokens or 0, tokens=due(line)) for line in lines]
    rows = [row for row in rows if row.tokens]
    Allocation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def follow_refunds(events: Sequence[OutboxEvent]) -> None:
    """Consumes `order.refunded` {refund_id}: what hasn't been sent shrinks, what has is shown to staff."""
    ids = [UUID(event.payload["refund_id"]) for event in events]
    refunds = Refund.objects.filter(pk__in=ids).order_by()
    rows = (
        Allocation.objects.filter(order_id__in=refunds.values("order_id")).order_by("pk").select_for_update(no_key=True)
    )
    for row in rows:
        follow_line(row)


def follow_line(allocation: Allocation) -> None:
    """Bring a locked allocation in line with what is left of its order line. Called again once a sending has failed."""
    left = due(OrderLine.objects.get(pk=allocation.line_id))
    if allocation.status in (Status.PENDING, Status.FAILED):
        _shrink(allocation, left)
    elif allocation.status in (Status.PROCESSING, Status.COMPLETED):
        with localcontext() as exact:
            exact.prec = 60
            overpaid = allocation.tokens - left
        _flag(allocation, overpaid)


def _shrink(allocation: Allocation, left: Decimal) -> None:
    if left == allocation.tokens and not allocation.overpaid:
        return
    before, allocation.tokens, allocation.overpaid = allocation.tokens, left, Decimal(0)
    fields = ["tokens", "overpaid"]
    if not left:
        allocation.advance(to=Status.CANCELLED)
        allocation.reason = "Refunded before it was sent"
        fields += ["status", "reason"]
    allocation.save(update_fields=fields)
    audit.record(
        actor=audit.SYSTEM,
        action="allocation.reduced",
        target=allocation,
        before={"tokens": before},
        after={"tokens": left, "status": allocation.status},
    )


def _flag(allocation: Allocation, overpaid: Decimal) -> None:
    if overpaid <= allocation.overpaid:
        return
    allocation.overpaid = overpaid
    allocation.save(update_fields=["overpaid"])
    audit.record(actor=audit.SYSTEM, action="allocation.overpaid", target=allocation, after={"tokens": overpaid})


def due(line: OrderLine) -> Decimal:
    """Tokens owed for what is left of a line, rounded down to 18 places."""
    with localcontext() as exact:
        exact.prec = 60
        share = Decimal(line.tokens or 0) * line.rest / line.amount
        return share.quantize(PLACES, rounding=ROUND_DOWN)
