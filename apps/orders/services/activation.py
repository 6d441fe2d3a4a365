"""A paid fee, or a paid purchase of a qualifying category, makes its buyer an active partner (H5); a refund may undo it."""

from collections.abc import Sequence

from django.db.models import Q

from apps.catalogue.services.products import ACTIVATION
from apps.orders.models import Customer, Order, OrderLine
from apps.orders.services.payers import partner_of_buyer
from apps.referrals.models import Partner
from apps.referrals.services import activate, revoke_activation
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_settings


def activate_by_purchase(*, partner: Partner, order: Order, lines: Sequence[OrderLine]) -> None:
    """Pending partners only: an inactive or frozen one stays what the staff made them."""
    if partner.status != Partner.Status.PENDING:
        return
    wanted = _qualifying()
    if any(line.category in wanted or _is_fee(order, line) for line in lines):
        _activate(partner, order)


def activate_by_history(*, partner: Partner, customer: Customer) -> None:
    """What a guest had bought before they registered. Fully refunded orders don't count."""
    if partner.status == Partner.Status.PENDING and (order := _activating(customer)) is not None:
        _activate(partner, order)


def revoke_by_refund(*, order: Order) -> None:
    """`order` went back in full. If it made its buyer active, and nothing else they bought would, they wait again, where the site
    wants that."""
    if not order.activated or not site_settings().revoke_activation_on_refund:
        return
    partner = partner_of_buyer(order.customer)
    if partner is None or not partner.is_active:
        return
    other = _activating(order.customer)
    if other is None:
        revoke_activation(partner=partner, reason=f"Order {order} was refunded.")
    else:
        _mark(other)


def _activate(partner: Partner, order: Order) -> None:
    activate(partner=partner, by=f"order {order}")
    _mark(order)


def _mark(order: Order) -> None:
    order.activated = True
    order.save(update_fields=["activated"])


def _activating(customer: Customer) -> Order | None:
    """The first order that is still paid for and would activate its buyer."""
    bought = OrderLine.objects.filter(order__customer=customer, order__status__in=Order.REFUNDABLE)
    fee = Q(category=ACTIVATION, order__source=Order.Source.CHECKOUT)
    line = bought.filter(Q(category__in=_qualifying()) | fee).select_related("order").order_by("id").first()
    return line.order if line is not None else None


def _is_fee(order: Order, line: OrderLine) -> bool:
    return line.category == ACTIVATION and order.source == Order.Source.CHECKOUT


def _qualifying() -> set[str]:
    settings = site_settings()
    return set(settings.qualifying_categories) if settings.activation == SiteSettings.Activation.REQUIRED else set()
