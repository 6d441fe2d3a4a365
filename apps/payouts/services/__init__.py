"""Every write that concerns a payout."""

from apps.payouts.services.decisions import (
    approve_payout,
    cancel_payout,
    process_payout,
    reject_payout,
)
from apps.payouts.services.methods import add_method, chosen_methods, method_for_payout, read_details, remove_method
from apps.payouts.services.requests import check_ready, next_allowed_at, request_payout

__all__ = [
    "add_method",
    "approve_payout",
    "cancel_payout",
    "check_ready",
    "chosen_methods",
    "method_for_payout",
    "next_allowed_at",
    "process_payout",
    "read_details",
    "reject_payout",
    "remove_method",
    "request_payout",
]
