"""What goes wrong on purpose. Everything is off until POST /_fake/faults says so, and again after a restart."""

import random
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Faults:
    """Those of every fake. Probabilities are of each request or event; `next_*` are for so many of the next ones."""

    after_commit_500: float = 0.0  # it was done, and the answer says 500
    after_commit_timeout: float = 0.0  # it was done, and no answer comes
    timeout_seconds: float = 2.0
    before_500: float = 0.0  # nothing was done
    next_after_commit_500: int = 0
    next_after_commit_timeout: int = 0
    duplicate: int = 0  # deliveries of each event beyond the first
    hold_events: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(7), repr=False)  # noqa: S311

    def set(self, wanted: dict[str, Any]) -> None:
        """Raises ValueError for an unknown name or another type."""
        known = self.shown()
        for name, value in wanted.items():
            if name not in known or not isinstance(value, int | float):
                raise ValueError(name)
            setattr(self, name, type(known[name])(value))

    def happens(self, name: str) -> bool:
        left: int = getattr(self, f"next_{name}", 0)
        if left:
            setattr(self, f"next_{name}", left - 1)
            return True
        return self.chance.random() < float(getattr(self, name))

    def shown(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "chance"}
