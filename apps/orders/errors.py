"""Refusals of orders and their refunds."""

from apps.core.errors import Denied


def own_order() -> Denied:
    return Denied("own_order", "Somebody else has to refund your own order.")
