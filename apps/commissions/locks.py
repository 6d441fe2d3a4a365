"""Locks of this app: first orders, in the order of their ids; then, by the wallet, pockets.

Whoever decides about the pending commissions of an order holds the order. Commissions themselves are never locked by a SELECT:
a payout that settles holds a pocket while it marks rows as paid, and a row that stopped being pending while we waited for it
would be left out of our result and stay locked nevertheless; that ended in deadlocks (measured).
"""

from collections.abc import Iterable
from uuid import UUID

from apps.core.locks import hold
from apps.orders.models import Order


def lock_orders(order_ids: Iterable[UUID]) -> list[Order]:
    """Until the transaction ends. Rows that refer to the orders may still be inserted meanwhile."""
    orders = Order.objects.filter(pk__in=set(order_ids)).order_by("pk")
    return list(orders.select_for_update(of=("self",), no_key=True))


def lock_subject(subject: str, pk: UUID) -> None:
    """Changes of one subject follow each other, also where there is no row yet to lock. Until the transaction ends."""
    hold(f"commissions.{subject}.{pk}")
