"""The downline in figures, and one person of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.commissions.models import Commission
from apps.commissions.selectors import commissions_by_partner
from apps.core import money
from apps.core.axes import share
from apps.dashboard.charts import RINGS, Dot, rings
from apps.dashboard.selectors.commissions import title_of
from apps.orders.models import OrderLine
from apps.referrals.api.filters import ReferralFilter
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.rows import TreeRow, tree_rows
from apps.referrals.selectors import people, read_stats
from apps.sites.selectors import current_site


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


@dataclass(frozen=True)
class Purchase:
    """A line one of my people bought, and what I earned from it."""

    title: str
    category: str
    at: datetime | None
    amount: int
    currency: str
    status: str
    commission: Commission | None


def purchases_of(me: Partner, buyer: Partner, *, most: int = 50) -> list[Purchase]:
    """What somebody below me paid for, newest first. Two queries."""
    assert buyer.user_id is not None
    assert me.user_id is not None
    lines = list(
        OrderLine.objects.filter(order__user_id=buyer.user_id, order__paid_at__isnull=False)
        .select_related("order")
        .order_by("-id")[:most]
    )
    mine = Commission.objects.filter(
        user_id=me.user_id, kind=Commission.Kind.COMMISSION, line__in=[line.pk for line in lines]
    )
    by_line = {row.line_id: row for row in mine}
    return [
        Purchase(
            title=title_of(line),
            category=line.category,
            at=line.order.paid_at,
            amount=line.amount,
            currency=line.order.currency,
            status=line.order.status,
            commission=by_line.get(line.pk),
        )
        for line in lines
    ]


MOST_DOTS = 300


@dataclass(frozen=True)
class Shape:
    """The first three levels as rings, with the figures in words."""

    edges: str
    dots: list[tuple[str, str]]
    """(CSS classes, path)."""
    people: list[tuple[int, int, int]]
    """(level, people, of whom so many earned me something)."""
    thresholds: tuple[int, int]


def shape(me: Partner) -> Shape | None:
    """None for a team too small to have a shape, or too large to be drawn. Two queries."""
    below = list(people().downline_of(me, depth=len(RINGS))[: MOST_DOTS + 1])
    if not 3 <= len(below) <= MOST_DOTS:
        return None
    earned = commissions_by_partner(me, below)
    thresholds = _thresholds(max(earned.values(), default=0), 10 ** money.exponent(current_site().currency))
    dots = [
        Dot(
            key=str(partner.pk),
            parent=str(partner.sponsor_id) if me.level_of(partner) > 1 else "",
            level=me.level_of(partner),
            size=_size(earned.get(partner.pk, 0), thresholds),
        )
        for partner in below
    ]
    drawn = rings(dots)
    by_level = [[dot for dot in dots if dot.level == level] for level in range(1, len(RINGS) + 1)]
    return Shape(
        edges=drawn.edges,
        dots=[(_classes(level, size), path) for (level, size), path in drawn.dots.items()],
        people=[
            (level, len(found), sum(1 for dot in found if dot.size)) for level, found in enumerate(by_level, 1) if found
        ],
        thresholds=thresholds,
    )


def _thresholds(most: int, unit: int) -> tuple[int, int]:
    """Where dots grow: at 1 and at 5 times the round figure of the largest amount, so that a small site has a shape too."""
    step = unit * 10 ** (len(str(max(most // unit, 1))) - 1)
    return step, 5 * step


def _size(amount: int, thresholds: tuple[int, int]) -> int:
    return 0 if amount <= 0 else 1 + sum(amount >= threshold for threshold in thresholds)


def _classes(level: int, size: int) -> str:
    return f"dots n{level}{('', '', ' m', ' l')[size]}" if size else "dots"
