"""Charts as percentages: templates write them into SVG attributes, so a page needs neither script nor inline style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.axes import share, ticks


@dataclass(frozen=True)
class Segment:
    """A part of a strip: where it starts, how wide it is."""

    name: str
    status: str
    amount: int
    x: str
    width: str
    hatched: bool = False


def strip(parts: Sequence[tuple[str, str, int, bool]]) -> list[Segment]:
    """(name, status, amount, hatched) side by side; they fill the whole width. Parts of nothing take none."""
    total, start, segments = sum(max(amount, 0) for _, _, amount, _ in parts), 0, []
    for name, status, amount, hatched in parts:
        width = max(amount, 0)
        segments.append(Segment(name, status, amount, share(start, total), share(width, total), hatched))
        start += width
    return segments


@dataclass(frozen=True)
class Block:
    series: int
    """1, 2, 3: the nearest level first."""
    y: str
    height: str


@dataclass(frozen=True)
class Column:
    label: str
    total: int
    blocks: list[Block]


@dataclass(frozen=True)
class Columns:
    columns: list[Column]
    ticks: list[int]
    """From the top down, ending in 0."""

    @property
    def total(self) -> int:
        return sum(column.total for column in self.columns)

    @property
    def lines(self) -> int:
        return len(self.ticks) - 1


def columns(rows: Sequence[tuple[str, Sequence[int]]], *, unit: int = 100) -> Columns:
    """(label, amounts by series) stacked; the axis ends at a round figure of `unit` minor units."""
    highest = max((sum(max(value, 0) for value in values) for _, values in rows), default=0)
    axis = ticks(highest, unit)
    return Columns([Column(label, sum(values), _blocks(values, axis[0])) for label, values in rows], axis)


def _blocks(values: Sequence[int], top: int) -> list[Block]:
    blocks, reached = [], 0
    for series, value in enumerate(values, start=1):
        if value > 0:
            reached += value
            blocks.append(Block(series, share(top - reached, top), share(value, top)))
    return blocks


def spark(values: Sequence[int]) -> str:
    """The path of a sparkline in a box of 100 by 28, 2 from its edges; flat when nothing changes."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    points = []
    for index, value in enumerate(values):
        height = (value - low) / (high - low) if high > low else 0
        points.append(f"{round(100 * index / (len(values) - 1))} {round(26 - 24 * height)}")
    return "M" + " ".join(points)


@dataclass(frozen=True)
class Step:
    name: str
    count: int
    width: str


def funnel(steps: Sequence[tuple[str, int]]) -> list[Step]:
    """Steps on one scale, the first being whole; a later step that exceeds it sets the scale."""
    widest = max((count for _, count in steps), default=0)
    return [Step(name, count, share(count, widest)) for name, count in steps]


@dataclass(frozen=True)
class Delta:
    """A figure against the same days of the month before."""

    trend: str
    text: str


def delta(now: int, before: int) -> Delta:
    """As a percentage, or as a difference where percentages of small counts would mislead."""
    if now == before:
        return Delta("flat", "same")
    trend, arrow = ("up", "▲") if now > before else ("down", "▼")
    if before < 10:
        return Delta(trend, f"{arrow} {abs(now - before)}")
    return Delta(trend, f"{arrow} {round(100 * abs(now - before) / before)}\N{NO-BREAK SPACE}%")


# Radii of the levels in a box of 180 by 180, after which nothing is readable any more.
RINGS = (42, 65, 85)
CENTRE = 90


@dataclass(frozen=True)
class Dot:
    """Somebody in the rings: `parent` is another's key, or "" on the first ring; `size` 0 is grey, then 1 to 3."""

    key: str
    parent: str
    level: int
    size: int


@dataclass(frozen=True)
class Rings:
    """Paths for <path d>: one for all edges, and one for the dots of each (level, size)."""

    edges: str
    dots: dict[tuple[int, int], str]


def rings(people: Sequence[Dot]) -> Rings:
    """People on one ring per level, every branch in its own sector. `people` come depth-first."""
    angle = _angles(people)
    levels = {person.key: person.level for person in people}
    edges: list[str] = []
    dots: dict[tuple[int, int], list[str]] = {}
    for person in people:
        at = _point(RINGS[person.level - 1], angle[person.key])
        dots.setdefault((person.level, person.size), []).append(f"M{at}h0")
        if person.level == 1:
            edges.append(f"M{at}L{CENTRE} {CENTRE}")
        else:
            inner, outer = RINGS[levels[person.parent] - 1], RINGS[person.level - 1]
            bend = _point((inner + outer) / 2, angle[person.parent])
            edges.append(f"M{_point(inner, angle[person.parent])}Q{bend} {at}")
    return Rings("".join(edges), {key: "".join(parts) for key, parts in sorted(dots.items())})


def _angles(people: Sequence[Dot]) -> dict[str, float]:
    """The leaves share the circle; whoever has people below stands in the middle of them."""
    children: dict[str, list[str]] = {}
    for person in people:
        children.setdefault(person.parent, []).append(person.key)
    leaves = [person.key for person in people if person.key not in children]
    angle = {key: 2 * math.pi * (index + 0.5) / len(leaves) for index, key in enumerate(leaves)}
    for person in reversed(people):
        if person.key in children:
            below = [angle[key] for key in children[person.key]]
            angle[person.key] = (min(below) + max(below)) / 2
    return angle


def _point(radius: float, angle: float) -> str:
    return f"{round(CENTRE + radius * math.sin(angle))} {round(CENTRE - radius * math.cos(angle))}"
