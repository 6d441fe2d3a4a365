"""What goes wrong at Stripe beside what may at any service."""

from dataclasses import dataclass

from fakes import faults


@dataclass
class Faults(faults.Faults):
    before_403: float = 0.0  # the key may not do that
    next_before_403: int = 0
    delay_seconds: float = 0.0
    second_id: float = 0.0  # the same fact as two events
    shuffle: bool = False
    shuffle_seconds: float = 1.0
    slow_refunds: bool = False  # they stay pending until POST /_fake/refunds/{id}
