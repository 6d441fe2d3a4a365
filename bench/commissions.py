"""Orders through the task that commissions them, 20 levels each, as when many wait."""

import time
from uuid import UUID

from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import create_plan, publish_plan
from apps.commissions.services.commissioning import BATCH
from apps.core import outbox
from apps.core.ids import uuid7
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.onboarding.demo.sites import SITES
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.referrals.tests.factories import make_chain
from bench import data
from bench.figures import Figure

ORDERS, LEVELS, ROUNDS = 500, 20, 3


def run(size: int) -> list[Figure]:
    """Ours and the limit's in turn, over orders that wait; the first batch warms caches and plans."""
    site = data.make_site("BENCHCOMM")
    trading = next(demo for demo in SITES if demo.code == "TRADING")
    with site_context(site.pk):
        version = create_plan(terms=trading.plan or {}, rules=trading.rules, actor=SYSTEM)
        publish_plan(plan=version.plan, actor=SYSTEM)
        buyer = make_chain(LEVELS + 1)[-1].user_id
    record_orders(site.pk, buyer, BATCH)
    outbox.drain(site.pk, "commissions")
    ours = plain = 0.0
    for _ in range(ROUNDS):
        record_orders(site.pk, buyer, ORDERS)
        started = time.perf_counter()
        outbox.drain(site.pk, "commissions", limit=ORDERS)
        ours += time.perf_counter() - started
        record_orders(site.pk, buyer, ORDERS)
        plain += _plainly(site.pk, version.pk)
    with site_context(site.pk):
        made, expected = Commission.objects.count(), (2 * ROUNDS * ORDERS + BATCH) * LEVELS
    if made != expected:
        raise RuntimeError(f"{made} commissions of {expected}")
    orders = ROUNDS * ORDERS
    work = f"{orders} waiting orders × {LEVELS} levels, through the task"
    limit = f"{orders / plain:.0f}/s, one statement per batch"
    return [Figure("commission_orders", work, f"{orders / ours:.0f}/s", limit, plain / ours, "≥ 0.25, then 0.50")]


def record_orders(site_id: UUID, buyer: UUID, number: int) -> None:
    with site_context(site_id):
        for _ in range(number):
            report = ExternalOrder(
                external_id=str(uuid7()),
                customer=CustomerIds(user_id=buyer),
                currency="INR",
                lines=(ReportedLine("brokerage", 100_000),),
            )
            record_external_order(report=report, actor=SYSTEM)
    with data.admin() as db:  # as autovacuum would, later: a plan for tables that were empty is nobody's limit
        db.execute(
            "ANALYZE orders_order, orders_orderline, core_outboxevent, commissions_commission, commissions_planrule"
        )


# The plan in SQL, without overrides, compression, reasons and explanations: what the database can do with the same tables.
_PLAIN = """
WITH paid AS (
    SELECT o.*, l.id AS line_id, l.category, l.amount AS line_amount FROM orders_order o
    JOIN orders_orderline l ON l.site_id = o.site_id AND l.order_id = o.id
    WHERE o.id = ANY(%(orders)s) AND o.commissioned_at IS NULL
), done AS (
    UPDATE orders_order SET commissioned_at = now() WHERE id = ANY(%(orders)s)
), told AS (
    UPDATE core_outboxevent SET done_at = now() WHERE id = ANY(%(events)s)
)
INSERT INTO commissions_commission (
    id, site_id, kind, source_kind, source_id, order_id, line_id, level, distance, partner_id, user_id, source_user_id,
    version_id, override, category, rule_category, rule_kind, rate, base_amount, exact, original_amount, reversed_amount,
    amount, currency, status, auto_approve, hold_until, earned_at, created_at, rejected_reason, refunded_before, refunded_after
)
SELECT gen_random_uuid(), p.site_id, 'commission', 'order', p.id, p.id, p.line_id, u.level, u.level, u.partner_id,
    u.user_id, p.user_id, r.version_id, false, p.category, r.category, 'percent', r.rate, p.line_amount,
    p.line_amount * r.rate, round(p.line_amount * r.rate), 0, round(p.line_amount * r.rate), p.currency, 'pending', false,
    p.paid_at, p.paid_at, now(), '', 0, 0
FROM paid p
CROSS JOIN LATERAL jsonb_to_recordset(p.upline) AS u(partner_id uuid, user_id uuid, level int, status text)
JOIN commissions_planrule r ON r.version_id = %(version)s AND r.category = p.category AND r.level = u.level
WHERE u.status = 'active'
"""


def _plainly(site_id: UUID, version_id: UUID) -> float:
    """Seconds for all orders that wait, one statement for a batch."""
    with site_context(site_id):
        waiting = OutboxEvent.objects.filter(topic="order.paid", done_at=None)
        rows = [(pk, UUID(payload["order_id"])) for pk, payload in waiting.values_list("pk", "payload")]
    with data.admin() as db:
        started = time.perf_counter()
        for first in range(0, len(rows), BATCH):
            batch = rows[first : first + BATCH]
            values = {"events": [event for event, _ in batch], "orders": [order for _, order in batch]}
            db.execute(_PLAIN, {**values, "version": version_id})
        return time.perf_counter() - started
