"""A paid order becomes commissions, and a reason for every level that pays nothing (T9, X3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.commissions import engine
from apps.commissions.locks import lock_orders
from apps.commissions.models import CommissionOutcome, PlanVersion
from apps.commissions.services.inserting import NewCommission, insert_commissions
from apps.commissions.terms import Overrides, terms_of, upline_of
from apps.core import outbox
from apps.core.ids import uuid7
from apps.core.models import OutboxEvent
from apps.orders.models import Order, OrderLine

BATCH = 100
"""Orders that one transaction takes when many wait."""


def orders_paid(events: Sequence[OutboxEvent]) -> None:
    """Consumes `order.paid` {order_id}."""
    commission_orders([UUID(event.payload["order_id"]) for event in events])


@transaction.atomic
def commission_orders(order_ids: Iterable[UUID]) -> int:
    """Commission those of the orders that have not been yet; returns how many.

    The number of statements does not grow with the orders. Each order stays locked until its commissions are committed, so
    a second delivery waits, and then finds nothing to do (R5).
    """
    orders = [order for order in lock_orders(order_ids) if order.recorded_at and not order.commissioned_at]
    if not orders:
        return 0
    batch = _Batch(orders)
    for order in orders:
        batch.add(order)
    insert_commissions(batch.commissions)
    CommissionOutcome.objects.bulk_create(batch.reasons)
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(commissioned_at=timezone.now())
    told = [(str(order.pk), {"order_id": str(order.pk)}) for order in orders]
    outbox.publish_many("order.commissioned", told)
    return len(orders)


class _Batch:
    """What some orders need, read at once, and what becomes of them, to be written at once."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self.commissions: list[NewCommission] = []
        self.reasons: list[CommissionOutcome] = []
        self._lines: dict[UUID, list[OrderLine]] = defaultdict(list)
        for line in OrderLine.objects.filter(order_id__in=[order.pk for order in orders]).order_by("pk"):
            self._lines[line.order_id].append(line)
        self._uplines = {order.pk: upline_of(order) for order in orders}
        self._versions = list(PlanVersion.objects.published().order_by("-published_at", "-pk"))
        self._overrides = Overrides({step.partner_id for upline in self._uplines.values() for step in upline})

    def add(self, order: Order) -> None:
        recorded_at = order.recorded_at
        version = self._in_force(recorded_at) if recorded_at else None
        if version is None or recorded_at is None:
            self._add_no_rule(order)
            return
        terms, upline = terms_of(version), self._uplines[order.pk]
        overrides = self._overrides.at(recorded_at, [step.partner_id for step in upline])
        for line in self._lines[order.pk]:
            outcomes = engine.outcomes_for(
                engine.Line(line.pk, line.category, line.quantity, line.amount, line.cycle),
                terms,
                upline,
                overrides,
                currency=order.currency,
                buyer=order.user_id,
            )
            for outcome in outcomes:
                if outcome.reason is None:
                    self.commissions.append(_commission(line, version, outcome))
                else:
                    self.reasons.append(_reason(order, line, version, outcome))

    def _in_force(self, moment: datetime) -> PlanVersion | None:
        """As PlanVersionQuerySet.in_force, for many orders at once."""
        return next((version for version in self._versions if version.published_at <= moment), None)  # type: ignore[operator]

    def _add_no_rule(self, order: Order) -> None:
        """No plan at all was published when the order was recorded."""
        reason = CommissionOutcome.Reason.NO_RULE
        self.reasons += [
            CommissionOutcome(order=order, line=line, level=1, reason=reason) for line in self._lines[order.pk]
        ]


def _commission(line: OrderLine, version: PlanVersion, outcome: engine.Outcome) -> NewCommission:
    ancestor, rule = outcome.ancestor, outcome.rule
    if ancestor is None or rule is None:
        raise TypeError("an outcome that pays names whom, and by which rule")
    return NewCommission(
        id=uuid7(),
        line_id=line.pk,
        version_id=version.pk,
        level=outcome.level,
        distance=ancestor.level,
        partner_id=ancestor.partner_id,
        user_id=ancestor.user_id,
        override=outcome.override,
        rule_category=rule.category,
        rule_kind=rule.kind.value,
        rate=outcome.rate,
        flat_amount=outcome.flat_amount,
        cap=rule.cap,
        base_amount=outcome.base_amount,
        exact=outcome.exact,
        amount=outcome.amount,
    )


def _reason(order: Order, line: OrderLine, version: PlanVersion, outcome: engine.Outcome) -> CommissionOutcome:
    return CommissionOutcome(
        order_id=order.pk,
        line_id=line.pk,
        level=outcome.level,
        partner_id=outcome.ancestor.partner_id if outcome.ancestor else None,
        reason=outcome.reason.value if outcome.reason else "",
        version_id=version.pk,
    )
