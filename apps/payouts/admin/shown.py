"""What the screens of payouts share: who may, the colours of states, and words for why somebody is left out."""

from apps.payouts import gateways

READ = ("payout.read", "payout.approve", "payout.manage")
MANAGE, APPROVE = ("payout.manage",), ("payout.approve",)
EITHER = ("payout.manage", "payout.approve")

# What the design kit calls the states: of payouts, of the people of a batch, and of transfers.
TONE = {
    "requested": "pending", "approved": "approved", "processing": "processing", "completed": "paid", "failed": "rejected",
    "rejected": "rejected", "cancelled": "reversed", "ready": "pending", "begun": "processing", "left_out": "reversed",
    "waiting": "pending", "sent": "processing",
}  # fmt: skip
BATCH_TONE = {
    "proposed": "pending", "running": "processing", "sent": "approved", "closed": "paid", "cancelled": "reversed",
}  # fmt: skip
WHY = {
    "below_minimum": "less than the minimum", "cooldown": "paid lately: the cooldown runs",
    "partner_frozen": "the account is frozen", "under_review": "somebody looks at the account",
    "no_method": "no payout method", "negative_balance": "owes more than was earned",
    "not_approved": "a request waits to be approved",
    "method_rests": "a new payout method rests", "method_not_ready": "Stripe is not done with the account",
    "payout_in_progress": "another payout is on its way", "own_payout": "yours: left to others",
    "four_eyes": "approved by you before: another person pays it",
    "gateway_unavailable": "no gateway pays this method here: a request is paid by hand",
    "insufficient_balance": "less is there than was proposed", "invalid_state": "decided otherwise since",
}  # fmt: skip


def label_of(gateway: str) -> str:
    """A dash for none, and for one that the installation no longer has."""
    return gateways.find_class(gateway).label if gateway in gateways.known() else "–"
