"""What the commissions app refuses, with its codes."""

from apps.commissions.models import Commission
from apps.core.errors import Conflict, Invalid


def no_draft() -> Conflict:
    return Conflict("invalid_state", "There is no draft of this plan to publish.")


def held(commission: Commission) -> Conflict:
    until = commission.hold_until.isoformat().replace("+00:00", "Z")
    return Conflict("invalid_state", f"This commission is held until {until}.", hold_until=until)


def partner_frozen() -> Conflict:
    return Conflict("partner_frozen", "The partner is frozen. Nothing of theirs is released until that is settled.")


def bad_rule(message: str) -> Invalid:
    return Invalid("invalid", message, field="rules")


def order_disputed() -> Conflict:
    return Conflict(
        "order_disputed", "A bank disputes the payment of this order. Nothing of it is released until that is settled."
    )
