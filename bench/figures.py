"""What a benchmark reports, and the table of all of them."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WARM = 10
"""Calls before the first one that counts: they warm caches and plans."""


@dataclass(frozen=True)
class Figure:
    """`ratio` is ours ÷ the limit's: of a rate, 1.0 is as fast as the limit; of a time, 1.0 is as quick. A soak has none."""

    name: str
    work: str
    figure: str
    limit: str
    ratio: float | None
    target: str


def alternating(*calls: Callable[[], object], times: int) -> list[float]:
    """Median milliseconds of calls, measured in turn so that a slow moment of the machine meets all of them."""
    spent: list[list[float]] = [[] for _ in calls]
    for number in range(times + WARM):
        for call, into in zip(calls, spent, strict=True):
            started = time.perf_counter()
            call()
            if number >= WARM:
                into.append((time.perf_counter() - started) * 1000)
    return [statistics.median(each) for each in spent]


def table(figures: Sequence[Figure]) -> str:
    rows = [("name", "work", "figure", "limit in the same run", "ratio", "target")]
    rows += [
        (f.name, f.work, f.figure, f.limit, f"{f.ratio:.2f}" if f.ratio is not None else "", f.target) for f in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
