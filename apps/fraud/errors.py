"""Refusals of freezes and reviews."""

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


UNDER_REVIEW = "under_review"


def under_review() -> Conflict:
    """What the partner is told: that, and not why."""
    return Conflict(
        UNDER_REVIEW, "This account is being looked at. Until a person has decided, nothing leaves its wallet."
    )


def own_review() -> Denied:
    return Denied("own_review", "Somebody else has to decide about your own account.")


def review_decided() -> Conflict:
    return Conflict("invalid_state", "Somebody has decided about this already.")


def review_changed() -> Conflict:
    return Conflict("review_changed", "More was noticed meanwhile. Look at it again.")
