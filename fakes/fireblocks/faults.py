"""What goes wrong at the custodian beside what may at any service."""

from dataclasses import dataclass

from fakes import faults


@dataclass
class Faults(faults.Faults):
    timeout_seconds: float = 12.0
    next_before_500: int = 0
    step_seconds: float = 0.3  # how long a transaction stays in each state
    hold_transactions: bool = False  # they stay where they are
    shuffle_seconds: float = 0.0  # each event waits up to so long
    legacy_signature: bool = False  # sign as the old protocol does, too
    fail: float = 0.0  # transactions that end as FAILED
