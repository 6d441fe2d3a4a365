"""Plans, paid orders and refunds for tests, through the real services."""

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission
from apps.core.ids import uuid7
from apps.orders import services as orders
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.referrals.models import Partner
from apps.sites.selectors import current_site

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


def make_order(buyer=None, *lines, below=None, paid_at=None):
    """A paid order of a partner, or of a guest below one. `lines` are (category, amount, quantity=1)."""
    report = ExternalOrder(
        external_id=str(uuid7()),
        customer=CustomerIds(user_id=buyer.user_id) if buyer else CustomerIds(external_id=str(uuid7())),
        currency=current_site().currency,
        lines=tuple(ReportedLine(*line) for line in lines or [("anything", 100_000)]),
        referral_code=below.code if below else "",
        paid_at=paid_at,
    )
    return record_external_order(report=report, actor=SYSTEM)[0]


def refund_order(order, amount=None):
    """Refund so much of an order, all that is left of it without an amount."""
    return orders.refund_order(order=order, external_id=str(uuid7()), amount=amount, actor=SYSTEM)[0]


def set_status(partner, status):
    Partner.objects.filter(pk=partner.pk).update(status=status)


def amounts(**filters):
    """{level: amount} of the site's commissions, clawbacks left out."""
    rows = Commission.objects.filter(kind="commission", **filters).order_by("level")
    return dict(rows.values_list("level", "amount"))


def approve_all(actor=SYSTEM):
    ids = Commission.objects.filter(status="pending").values_list("pk", flat=True)
    return services.approve_commissions(ids=list(ids), actor=actor)
