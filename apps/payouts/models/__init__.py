"""Money that leaves to a partner (H9)."""

from apps.payouts.models.batches import PayoutBatch, PayoutBatchItem, PayoutResultFile
from apps.payouts.models.comparisons import Reconciliation
from apps.payouts.models.methods import ConnectAccount, OwnMethod, PayoutMethod
from apps.payouts.models.payouts import UNKNOWN, Payout, PayoutTransfer

__all__ = [
    "UNKNOWN", "ConnectAccount", "OwnMethod", "Payout", "PayoutBatch", "PayoutBatchItem", "PayoutMethod", "PayoutResultFile",
    "PayoutTransfer", "Reconciliation",
]  # fmt: skip
