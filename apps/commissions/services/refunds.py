"""A refund mirrors the commissions of its lines, at the version and in the state they have (X2, X10).

Locks (see apps.commissions.locks): the order keeps other refunds and approvals away; the pockets of those who were credited
keep their rows from becoming paid.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.commissions import engine
from apps.commissions.locks import lock_orders
from apps.commissions.models import Commission
from apps.commissions.services import earnings
from apps.commissions.services.commissioning import commission_orders
from apps.core import outbox
from apps.core.models import OutboxEvent
from apps.orders.models import OrderLine, Refund

Status = Commission.Status


def orders_refunded(events: Sequence[OutboxEvent]) -> None:
    """Consumes `order.refunded` {refund_id}."""
    for event in events:
        mirror_refund(refund_id=UUID(event.payload["refund_id"]))


@transaction.atomic
def mirror_refund(*, refund_id: UUID) -> None:
    """Take back of every commission what its line's refunds so far amount to. Doing it again changes nothing.

    PENDING and APPROVED rows shrink, and at zero become REVERSED; where a payout has the money already, a negative row
    follows. The order is commissioned first if that is still waiting.
    """
    refund = Refund.objects.get(pk=refund_id)
    commission_orders([refund.order_id])
    lock_orders([refund.order_id])
    lines = {line.pk: line for line in OrderLine.objects.filter(order_id=refund.order_id, refunded_amount__gt=0)}
    rows = Commission.objects.filter(order_id=refund.order_id, line_id__in=lines, kind=Commission.Kind.COMMISSION)
    pending = list(rows.filter(status=Status.PENDING))
    settled = list(rows.filter(status__in=[Status.APPROVED, Status.PAID]).order_by("id"))
    _shrink([(commission, delta) for commission, delta, _ in _deltas(pending, lines)])
    _take_back(_deltas(settled, lines), refund)


Delta = tuple[Commission, int, int]
"""A commission, how much more of it is reversed, and what had been refunded of its line before."""


def _deltas(commissions: Sequence[Commission], lines: dict[UUID, OrderLine]) -> list[Delta]:
    deltas = []
    for commission in commissions:
        line, before = lines[commission.line_id], commission.refunded_after
        delta = engine.mirror(
            original=commission.original_amount,
            reversed_so_far=commission.reversed_amount,
            refunded=line.refunded_amount,
            line_amount=line.amount,
        )
        commission.refunded_after = line.refunded_amount
        commission.reversed_amount += delta
        deltas.append((commission, delta, before))
    return deltas


def _shrink(parts: Sequence[tuple[Commission, int]]) -> None:
    """Write the rows, `amount` less by their part."""
    for commission, part in parts:
        commission.amount -= part
    commissions = [commission for commission, _ in parts]
    Commission.objects.bulk_update(commissions, ["reversed_amount", "refunded_after", "amount"])
    gone = [commission.pk for commission in commissions if commission.amount == 0]
    Commission.objects.filter(pk__in=gone).update(status=Status.REVERSED, closed_at=timezone.now())
    if gone:
        outbox.publish("commissions.reversed", key=str(gone[0]), payload={"commission_ids": [str(pk) for pk in gone]})


def _take_back(deltas: Sequence[Delta], refund: Refund) -> None:
    """From rows that were credited: what is still there, and by a clawback what is not."""
    taken = earnings.take([(commission, delta) for commission, delta, _ in deltas if delta], refund.pk)
    _shrink([(commission, taken.get(commission.pk, 0)) for commission, _, _ in deltas])
    clawbacks = [
        _clawback(commission, rest, before, refund)
        for commission, delta, before in deltas
        if (rest := delta - taken.get(commission.pk, 0))
    ]
    Commission.objects.bulk_create(clawbacks)
    earnings.claw_back(clawbacks)


def _clawback(commission: Commission, amount: int, before: int, refund: Refund) -> Commission:
    """Approved from the start: it waits for no decision, and the next payout nets it."""
    same = (
        "order_id", "line_id", "level", "distance", "partner_id", "user_id", "source_user_id", "version_id", "override",
        "category", "rule_category", "rule_kind", "rate", "flat_amount", "cap", "base_amount", "exact", "currency",
    )  # fmt: skip
    now = timezone.now()
    return Commission(
        **{name: getattr(commission, name) for name in same},
        kind=Commission.Kind.CLAWBACK,
        source_kind=Commission.Source.REFUND,
        source_id=refund.pk,
        clawback_of=commission,
        original_amount=-amount,
        amount=-amount,
        refunded_before=before,
        refunded_after=commission.refunded_after,
        status=Status.APPROVED,
        auto_approve=False,
        hold_until=now,
        earned_at=now,
        approved_at=now,
    )
