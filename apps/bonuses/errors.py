"""What is refused, in words."""

from apps.core.errors import Denied, Invalid


def own_bonus() -> Denied:
    return Denied("own_bonus", "Nobody decides about a bonus of their own.")


def refund_exceeds_deposit() -> Invalid:
    return Invalid("refund_exceeds_deposit", "That is more than was deposited.", field="refunded_amount")
