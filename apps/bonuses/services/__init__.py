"""Every write of bonuses and of the rules that make them."""

from apps.bonuses.services.applying import Applied, apply_first_event
from apps.bonuses.services.crediting import (
    await_verdict,
    credit_automatically,
    credit_if_cleared,
    follow_refund,
    follow_refunds,
)
from apps.bonuses.services.deciding import decide_bonus, freeze_bonus, restore_bonus, unfreeze_bonus
from apps.bonuses.services.deposits import reward_deposits
from apps.bonuses.services.orders import reward_orders
from apps.bonuses.services.reports import report_deposit, report_refund
from apps.bonuses.services.rules import rule_in_force, set_rule

__all__ = [
    "Applied",
    "apply_first_event",
    "await_verdict",
    "credit_automatically",
    "credit_if_cleared",
    "decide_bonus",
    "follow_refund",
    "follow_refunds",
    "freeze_bonus",
    "report_deposit",
    "report_refund",
    "restore_bonus",
    "reward_deposits",
    "reward_orders",
    "rule_in_force",
    "set_rule",
    "unfreeze_bonus",
]
