"""Every write of freezes, signals, reviews and of the settings that make them."""

from apps.fraud.services.forgetting import forget
from apps.fraud.services.freezing import choose, follow_status, freeze_partner, lift_freeze
from apps.fraud.services.hearing import (
    follow_bonuses,
    follow_cards,
    follow_circles,
    follow_deposits,
    follow_joined,
    follow_methods,
    follow_sign_ins,
    look_again,
    may_credit,
)
from apps.fraud.services.radius import Item, Radius, Shared, radius
from apps.fraud.services.reviewing import check_not_held, clear_review, confirm_review, digest, held_among, is_held
from apps.fraud.services.settling import change_fraud_settings, follow_settings

__all__ = [
    "Item",
    "Radius",
    "Shared",
    "change_fraud_settings",
    "check_not_held",
    "choose",
    "clear_review",
    "confirm_review",
    "digest",
    "follow_bonuses",
    "follow_cards",
    "follow_circles",
    "follow_deposits",
    "follow_joined",
    "follow_methods",
    "follow_settings",
    "follow_sign_ins",
    "follow_status",
    "forget",
    "freeze_partner",
    "held_among",
    "is_held",
    "lift_freeze",
    "look_again",
    "may_credit",
    "radius",
]
