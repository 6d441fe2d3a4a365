"""Every write of freezes."""

from apps.fraud.services.freezing import choose, follow_status, freeze_partner, lift_freeze
from apps.fraud.services.radius import Item, Radius, Shared, radius

__all__ = ["Item", "Radius", "Shared", "choose", "follow_status", "freeze_partner", "lift_freeze", "radius"]
