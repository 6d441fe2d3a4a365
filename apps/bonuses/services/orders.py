"""A paid order of the category that the site calls a winning bid is its buyer's first bid by itself."""

from collections.abc import Sequence

from django.db.models import Sum

from apps.audit.services import SYSTEM
from apps.bonuses.models import Event
from apps.bonuses.services.applying import FirstThing, apply_first_event
from apps.core.models import OutboxEvent
from apps.orders.models import Order, OrderLine
from apps.sites.selectors import site_settings


def reward_orders(events: Sequence[OutboxEvent]) -> None:
    """Consumes `order.paid` {order_id}, in the order of payment. A second delivery finds the event used up.

    A percentage is of the order's lines of that category. Guests are nobody's referral, and what went back in full before
    anybody looked was no bid; a later refund takes nothing (only a deposit's does).
    """
    category = site_settings().first_bid_category
    if not category:
        return
    paid = Order.objects.filter(pk__in=[event.payload["order_id"] for event in events], user__isnull=False)
    bids = dict(
        OrderLine.objects.filter(order__in=paid, category=category)
        .values_list("order_id")
        .annotate(Sum("amount"))
        .order_by()
    )
    for order in paid.filter(pk__in=bids, status__in=Order.REFUNDABLE).order_by("recorded_at", "id"):
        assert order.user_id is not None
        thing = FirstThing(order.user_id, Event.FIRST_BID, str(order.pk), bids[order.pk])
        apply_first_event(thing=thing, actor=SYSTEM)
