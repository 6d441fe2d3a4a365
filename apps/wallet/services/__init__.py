"""Every movement of money. Callers lock their own business row first; the wallet's locks come last, in id order."""

from apps.wallet.services.accounts import open_accounts, system_account
from apps.wallet.services.charges import charge_funds, insufficient_funds, refund_funds
from apps.wallet.services.deposits import (
    ask_deposit_refund,
    drop_deposit,
    lapse_deposit,
    lapsed_deposits,
    open_deposit,
)
from apps.wallet.services.earnings import Credit, Reversal, claw_back, credit_earnings, take_from_lots
from apps.wallet.services.funds import credit_user, deposit_funds, transfer_to_funds
from apps.wallet.services.holds import (
    Hold,
    TooLittle,
    hold_earnings,
    hold_many,
    release_hold,
    release_many,
    settle_hold,
    settle_many,
)

__all__ = [
    "Credit",
    "Hold",
    "Reversal",
    "TooLittle",
    "ask_deposit_refund",
    "charge_funds",
    "claw_back",
    "credit_earnings",
    "credit_user",
    "deposit_funds",
    "drop_deposit",
    "hold_earnings",
    "hold_many",
    "insufficient_funds",
    "lapse_deposit",
    "lapsed_deposits",
    "open_accounts",
    "open_deposit",
    "refund_funds",
    "release_hold",
    "release_many",
    "settle_hold",
    "settle_many",
    "system_account",
    "take_from_lots",
    "transfer_to_funds",
]
