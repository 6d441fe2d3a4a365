"""Plans, paid orders and refunds for tests, through the real services."""

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission
from apps.orders.tests.factories import make_order as order_of
from apps.orders.tests.factories import refund_order
from apps.referrals.models import Partner
from apps.sites.selectors import current_site

__all__ = ["amounts", "approve_all", "make_order", "make_plan", "refund_order", "set_status"]

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


def make_order(buyer=None, *lines, **options):
    """A paid order in the site's currency; `lines` are (category, amount, quantity=1), `below` brings a guest."""
    return order_of(buyer, *lines, currency=current_site().currency, **options)


def set_status(partner, status):
    Partner.objects.filter(pk=partner.pk).update(status=status)


def amounts(**filters):
    """{level: amount} of the site's commissions, clawbacks left out."""
    rows = Commission.objects.filter(kind="commission", **filters).order_by("level")
    return dict(rows.values_list("level", "amount"))


def approve_all(actor=SYSTEM):
    ids = Commission.objects.filter(status="pending").values_list("pk", flat=True)
    return services.approve_commissions(ids=list(ids), actor=actor)
