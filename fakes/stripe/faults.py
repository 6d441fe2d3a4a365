"""What goes wrong on purpose. Everything is off until POST /_fake/faults says so, and again after a restart."""

import random
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Faults:
    """Probabilities are of each request or event; `next_*` are for so many of the next ones."""

    after_commit_500: float = 0.0  # it was done, and the answer says 500
    after_commit_timeout: float = 0.0  # it was done, and no answer comes
    timeout_seconds: float = 2.0
    before_500: float = 0.0  # nothing was done
    before_403: float = 0.0  # the key may not do that
    next_before_403: int = 0
    delay_seconds: float = 0.0
    next_after_commit_500: int = 0
    next_after_commit_timeout: int = 0
    duplicate: int = 0  # deliveries of each event beyond the first
    second_id: float = 0.0  # the same fact as two events
    shuffle: bool = False
    shuffle_seconds: float = 1.0
    hold_events: bool = False
    slow_refunds: bool = False  # they stay pending until POST /_fake/refunds/{id}
    chance: random.Random = field(default_factory=lambda: random.Random(7), repr=False)  # noqa: S311

    def set(self, wanted: dict[str, Any]) -> None:
        """Raises ValueError for an unknown name or another type."""
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "chance"}
        for name, value in wanted.items():
            if name not in known or not isinstance(value, int | float | bool):
                raise ValueError(name)
            setattr(self, name, type(known[name])(value))

    def happens(self, name: str) -> bool:
        left: int = getattr(self, f"next_{name}", 0)
        if left:
            setattr(self, f"next_{name}", left - 1)
            return True
        return self.chance.random() < float(getattr(self, name))

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "chance"}
