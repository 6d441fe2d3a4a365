"""Refusals of orders and their refunds."""

from apps.payments.errors import own_order

__all__ = ["own_order"]
