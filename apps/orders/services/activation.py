"""A paid purchase of a qualifying category makes its buyer an active partner (H5)."""

from collections.abc import Iterable

from apps.orders.models import Customer, Order, OrderLine
from apps.referrals.models import Partner
from apps.referrals.services import activate
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_settings


def activate_by_purchase(*, partner: Partner, order: Order, categories: Iterable[str]) -> None:
    """Pending partners only: an inactive or frozen one stays what the staff made them."""
    if partner.status == Partner.Status.PENDING and _qualifying() & set(categories):
        activate(partner=partner, by=f"order {order}")


def activate_by_history(*, partner: Partner, customer: Customer) -> None:
    """What a guest had bought before they registered. Fully refunded orders don't count."""
    if partner.status != Partner.Status.PENDING:
        return
    bought = OrderLine.objects.filter(
        order__customer=customer, order__status__in=Order.REFUNDABLE, category__in=_qualifying()
    )
    line = bought.select_related("order").order_by("id").first()
    if line is not None:
        activate(partner=partner, by=f"order {line.order}")


def _qualifying() -> set[str]:
    settings = site_settings()
    return set(settings.qualifying_categories) if settings.activation == SiteSettings.Activation.REQUIRED else set()
