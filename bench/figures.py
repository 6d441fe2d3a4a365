"""What a benchmark reports, and the table of all of them."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`ratio` is ours ÷ the limit's: of a rate, 1.0 is as fast as the limit; of a time, 1.0 is as quick."""

    name: str
    work: str
    figure: str
    limit: str
    ratio: float
    target: str


def timed(call: Callable[[], object], *, times: int) -> float:
    """Median milliseconds of a call."""
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)


def alternating(ours: Callable[[], object], limit: Callable[[], object], *, times: int) -> tuple[float, float]:
    """Median milliseconds of two calls, measured in turn so that a slow moment of the machine meets both."""
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(times + 2):
        for call, into in ((ours, spent[0]), (limit, spent[1])):
            started = time.perf_counter()
            call()
            if number >= 2:  # the first two warm caches and plans
                into.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent[0]), statistics.median(spent[1])


def table(figures: Sequence[Figure]) -> str:
    rows = [("name", "work", "figure", "limit in the same run", "ratio", "target")]
    rows += [(f.name, f.work, f.figure, f.limit, f"{f.ratio:.2f}", f.target) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
