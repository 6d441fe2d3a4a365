"""Every write that concerns a payout."""

from apps.payouts.services.bank_files import bank_file
from apps.payouts.services.decisions import (
    approve_payout,
    cancel_payout,
    process_payout,
    reject_payout,
    retry_payout,
)
from apps.payouts.services.methods import add_method, read_details, remove_method
from apps.payouts.services.proposing import approve_batch, cancel_batch, propose_batch, propose_due, refresh_batch
from apps.payouts.services.reconciling import PERIOD, keep_comparison, reconcile, reconcile_and_keep
from apps.payouts.services.requests import next_allowed_at, request_payout
from apps.payouts.services.results import book_results
from apps.payouts.services.running import close_batch
from apps.payouts.services.sending import push_transfer, settle_difference

__all__ = [
    "PERIOD",
    "add_method",
    "approve_batch",
    "approve_payout",
    "bank_file",
    "book_results",
    "cancel_batch",
    "cancel_payout",
    "close_batch",
    "keep_comparison",
    "next_allowed_at",
    "process_payout",
    "propose_batch",
    "propose_due",
    "push_transfer",
    "read_details",
    "reconcile",
    "reconcile_and_keep",
    "refresh_batch",
    "reject_payout",
    "remove_method",
    "request_payout",
    "retry_payout",
    "settle_difference",
]
