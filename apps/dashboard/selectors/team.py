"""The downline in figures, and one person of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.dashboard.charts import share
from apps.referrals.api.filters import ReferralFilter
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.rows import TreeRow, tree_rows
from apps.referrals.selectors import people, read_stats


@dataclass(frozen=True)
class TeamFilters:
    """What the filter bar says; false when it says nothing. A value that is no choice of it is left out."""

    level: int | None = None
    status: str = ""
    search: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str]) -> "TeamFilters":
        level, status = params.get("level", ""), params.get("status", "")
        return cls(
            level=int(level) if level.isascii() and level.isdigit() and 1 <= int(level[:3]) <= MAX_LEVEL else None,
            status=status if status in Partner.Status.values else "",
            search=params.get("q", "").strip()[:120],
        )

    def __bool__(self) -> bool:
        return bool(self.level or self.status or self.search)

    def apply(self, me: Partner) -> Any:
        """The same filters as GET /affiliate/referrals."""
        rows = people().downline_of(me, depth=MAX_LEVEL, level=self.level)
        return ReferralFilter({"status": self.status, "search": self.search}, queryset=rows).qs


def person(me: Partner, other: Partner) -> TreeRow:
    """Somebody below me, with the way to them."""
    return tree_rows(me, [other], viewer=me, chains=True)[0]


@dataclass(frozen=True)
class Level:
    level: int
    people: int
    width: str
    series: int


@dataclass(frozen=True)
class Levels:
    """People by level, one scale. Empty levels below the deepest one are left out."""

    rows: list[Level]
    total: int


def levels(me: Partner) -> Levels:
    counts = read_stats([me.pk])[me.pk]
    widest = max(counts)
    deepest = max((level for level, people in enumerate(counts, start=1) if people), default=0)
    rows = [
        Level(level, people, share(people, widest), min(level, 3))
        for level, people in enumerate(counts[:deepest], start=1)
    ]
    return Levels(rows, sum(counts))
