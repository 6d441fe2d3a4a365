"""Orders through the task that commissions them, 20 levels each, as when many wait."""

import time
from uuid import UUID

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import create_plan, publish_plan
from apps.core import outbox
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.onboarding.demo.sites import SITES
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.referrals.models import Partner
from apps.referrals.services import join
from bench import data
from bench.figures import Figure

ORDERS, LEVELS, BATCH = 1_000, 20, 100


def run(size: int) -> list[Figure]:
    site = data.make_site("BENCHCOMM")
    trading = next(demo for demo in SITES if demo.code == "TRADING")
    with site_context(site.pk):
        version = create_plan(terms=trading.plan or {}, rules=trading.rules, actor=SYSTEM)
        publish_plan(plan=version.plan, actor=SYSTEM)
        buyer = _chain(LEVELS + 1)
        lines = (ReportedLine("brokerage", 100_000),)
        for number in range(ORDERS):
            report = ExternalOrder(
                external_id=f"B-{number}", customer=CustomerIds(user_id=buyer), currency="INR", lines=lines
            )
            record_external_order(report=report, actor=SYSTEM)
    started = time.perf_counter()
    outbox.drain(site.pk, "commissions", limit=ORDERS)
    rate = ORDERS / (time.perf_counter() - started)
    with site_context(site.pk):
        made = Commission.objects.count()
    if made != ORDERS * LEVELS:
        raise RuntimeError(f"{made} commissions of {ORDERS * LEVELS}")
    plain = _plain(site.pk)
    work = f"{ORDERS} waiting orders × {LEVELS} levels, through the task"
    return [Figure("commission_orders", work, f"{rate:.0f}/s", f"{plain:.0f}/s, plain SQL", rate / plain, "≥ 0.25")]


def _chain(length: int) -> UUID:
    """A chain of partners; the user at its end."""
    sponsor: Partner | None = None
    for number in range(length):
        user = User.objects.create_user(email=f"c{number}@benchcomm.example", password=None)
        sponsor = join(user=user, sponsor=sponsor)
    assert sponsor is not None
    return sponsor.user_id


def _plain(site_id: UUID) -> float:
    """The same rows by hand: twenty per order in one INSERT, the order marked, the event done; a hundred orders a transaction."""
    with data.admin() as db:
        columns = [
            row[0]
            for row in db.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'commissions_commission'"
                " AND is_generated = 'NEVER' ORDER BY ordinal_position"
            ).fetchall()
        ]
        names = ", ".join(f'"{name}"' for name in columns)
        template = db.execute(
            f"SELECT {names} FROM commissions_commission WHERE site_id = %s ORDER BY id LIMIT {LEVELS}", [site_id]
        ).fetchall()
        orders = [row[0] for row in db.execute("SELECT id FROM orders_order WHERE site_id = %s", [site_id]).fetchall()]
        db.execute("TRUNCATE commissions_commission CASCADE")
        db.execute("UPDATE core_outboxevent SET done_at = NULL WHERE site_id = %s", [site_id])
        place = {name: columns.index(name) for name in ("id", "order_id", "source_id", "line_id")}
        lines = dict(db.execute("SELECT order_id, id FROM orders_orderline WHERE site_id = %s", [site_id]).fetchall())
        holes = "(" + ", ".join(["%s"] * len(columns)) + ")"
        insert = f"INSERT INTO commissions_commission ({names}) VALUES " + ", ".join([holes] * LEVELS)
        started = time.perf_counter()
        for first in range(0, len(orders), BATCH):
            with db.transaction():
                for order in orders[first : first + BATCH]:
                    values = []
                    for row in template:
                        fresh = list(row)
                        fresh[place["id"]], fresh[place["order_id"]] = uuid7(), order
                        fresh[place["source_id"]], fresh[place["line_id"]] = order, lines[order]
                        values += fresh
                    db.execute(insert, values)
                    db.execute("UPDATE orders_order SET commissioned_at = now() WHERE id = %s", [order])
                    db.execute("UPDATE core_outboxevent SET done_at = now() WHERE key = %s", [str(order)])
        return len(orders) / (time.perf_counter() - started)
