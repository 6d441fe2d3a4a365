"""An explanation stands on its own: the amount follows from it, and from nothing else."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.core import money

from .outcomes import apply_rule
from .values import Kind


def recompute(explanation: Mapping[str, Any]) -> int:
    """The amount an explanation leads to, in minor units.

    Reads `rule {kind, value, cap?}`, `base_amount`, `line {quantity, amount}`; for a clawback also
    `refund {before, after}`: what had been refunded of the line before it and with it.
    """
    rule = explanation["rule"]
    value = Decimal(rule["value"]) if rule["kind"] == Kind.PERCENT else int(rule["value"])
    applied = apply_rule(rule["kind"], value, explanation["base_amount"], explanation["line"]["quantity"])
    amount = applied.amount
    if rule.get("cap") is not None:
        amount = min(amount, rule["cap"])
    if refund := explanation.get("refund"):
        whole = explanation["line"]["amount"]
        return money.share(amount, refund["before"], whole) - money.share(amount, refund["after"], whole)
    return amount
