"""What the ledger refuses."""

from apps.core.errors import Conflict


def insufficient_balance() -> Conflict:
    return Conflict("insufficient_balance", "There is less than that to take.")


def enterprise_pays() -> Conflict:
    return Conflict("enterprise_pays", "Your enterprise pays for your activities: you need no funds of your own.")


class LedgerBroken(RuntimeError):
    """The ledger contradicts itself. Never caused by input; somebody must look."""
