"""Columns over time, as percentages for SVG attributes (design kit: columns)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apps.core.axes import share, ticks


class Column(NamedTuple):
    """`short` stands below it, `label` is read out with its value."""

    label: str
    short: str
    value: int
    y: str
    height: str


@dataclass(frozen=True)
class Columns:
    """Columns on one axis that begins at 0."""

    columns: list[Column]
    ticks: list[int]

    @property
    def total(self) -> int:
        return sum(column.value for column in self.columns)

    @property
    def lines(self) -> int:
        return len(self.ticks) - 1


def columns(values: Sequence[tuple[str, str, int]], *, unit: int = 1) -> Columns:
    """From (label, short, value); `unit` is what a step of the axis is a multiple of. A negative value has no height."""
    axis = ticks(max((value for _, _, value in values), default=0), unit)
    top = axis[0]
    drawn = [
        Column(label, short, value, share(top - max(value, 0), top), share(max(value, 0), top))
        for label, short, value in values
    ]
    return Columns(drawn, axis)
