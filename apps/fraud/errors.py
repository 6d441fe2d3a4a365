"""Refusals of freezes."""

from apps.core.errors import Conflict, Denied, Invalid


def already_frozen() -> Conflict:
    return Conflict("invalid_state", "This partner is frozen already.")


def already_lifted() -> Conflict:
    return Conflict("invalid_state", "This freeze has been lifted already.")


def own_freeze() -> Denied:
    return Denied("own_freeze", "Somebody else has to decide about your own account.")


def not_in_radius() -> Invalid:
    return Invalid("not_in_radius", "Only who stands in the radius can be frozen along.", field="also")


def radius_changed() -> Conflict:
    return Conflict("radius_changed", "The radius is another one by now. Look at it again.")
