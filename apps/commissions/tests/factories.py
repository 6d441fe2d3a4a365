"""Plans, paid orders and refunds for tests, through the real services."""

from dataclasses import asdict

from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission
from apps.core import money, outbox
from apps.orders.models import Order, OrderLine, Refund
from apps.referrals.models import Partner
from apps.referrals.selectors import upline_snapshot, upline_through

TERMS = {
    "name": "Plan",
    "base": "order",
    "compression": "none",
    "approval": "manual",
    "hold_days": 0,
    "minimum": 0,
}


def make_plan(*rules, publish=True, depth=None, **terms):
    """A plan of the site, in force from now on unless `publish` is False. Returns the version."""
    depth = depth or max(rule.level for rule in rules)
    version = services.create_plan(terms=TERMS | {"depth": depth} | terms, rules=rules, actor=SYSTEM)
    return services.publish_plan(plan=version.plan, actor=SYSTEM) if publish else version


def make_order(buyer=None, *lines, below=None, paid_at=None, currency="INR"):
    """A paid order of a partner, or of a guest below one. `lines` are (category, amount, quantity=1)."""
    steps = upline_snapshot(buyer) if buyer else upline_through(below) if below else []
    lines = [(*line, 1)[:3] for line in lines or [("anything", 100_000)]]
    now = timezone.now()
    order = Order.objects.create(
        user_id=buyer.user_id if buyer else None,
        amount=sum(amount for _, amount, _ in lines),
        currency=currency,
        status="paid",
        paid_at=paid_at or now,
        recorded_at=now,
        upline=[{**asdict(step), "partner_id": str(step.partner_id), "user_id": str(step.user_id)} for step in steps],
    )
    OrderLine.objects.bulk_create(
        [OrderLine(order=order, category=name, amount=amount, quantity=units) for name, amount, units in lines]
    )
    outbox.publish("order.paid", key=str(order.pk), payload={"order_id": str(order.pk)})
    return order


def refund_order(order, amount=None):
    """Refund so much of an order, all of it without an amount, spread over its lines."""
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    left = [line.amount - line.refunded_amount for line in lines]
    amount = sum(left) if amount is None else amount
    for line, part in zip(lines, money.split(amount, left), strict=True):
        line.refunded_amount += part
        line.save(update_fields=["refunded_amount"])
    refund = Refund.objects.create(order=order, amount=amount)
    outbox.publish("order.refunded", key=str(refund.pk), payload={"refund_id": str(refund.pk)})
    return refund


def set_status(partner, status):
    Partner.objects.filter(pk=partner.pk).update(status=status)


def amounts(**filters):
    """{level: amount} of the site's commissions, clawbacks left out."""
    rows = Commission.objects.filter(kind="commission", **filters).order_by("level")
    return dict(rows.values_list("level", "amount"))


def approve_all(actor=SYSTEM):
    ids = Commission.objects.filter(status="pending").values_list("pk", flat=True)
    return services.approve_commissions(ids=list(ids), actor=actor)
