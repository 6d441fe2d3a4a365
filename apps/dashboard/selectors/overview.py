"""The figures of the overview. Every one has a unit, a period and a way to its parts."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncMonth

from apps.commissions.models import Commission
from apps.core import money
from apps.core.axes import share
from apps.dashboard import charts
from apps.dashboard.selectors.commissions import MONTHS
from apps.payouts.models import Payout
from apps.referrals.models import Click, Conversion, Partner
from apps.sites.calendar import first_of_month
from apps.sites.selectors import current_site, midnight, site_day
from apps.wallet.models import Entry, Pocket, Posting
from apps.wallet.selectors import Summary

COUNTED = (Commission.Status.PENDING, Commission.Status.APPROVED, Commission.Status.PAID)


@dataclass(frozen=True)
class Money:
    """Where everything I have earned is now: the parts add up to `total`."""

    currency: str
    paid: int
    moved: int
    held: int
    available: int
    pending: int
    pending_count: int
    owed: int
    clawed_back: int

    @property
    def total(self) -> int:
        return self.paid + self.moved + self.held + self.available + self.pending - self.owed

    @property
    def parts(self) -> list[charts.Segment]:
        parts = [
            ("Paid to you", "paid", self.paid, False),
            ("Moved to funds", "reversed", self.moved, False),
            ("On its way", "processing", self.held, False),
            ("Available", "approved", self.available, False),
            ("Pending check", "pending", self.pending, True),
        ]
        return charts.strip([part for part in parts if part[2] or part[1] != "reversed"])


def money_of(user_id: UUID, summary: Summary) -> Money:
    """Three queries."""
    paid = Payout.objects.filter(user_id=user_id, status=Payout.Status.COMPLETED).aggregate(n=Sum("amount"))["n"]
    earnings = Posting.objects.filter(account__user_id=user_id, account__kind=Pocket.EARNINGS)
    moved = earnings.filter(entry__kind=Entry.Kind.TRANSFER).aggregate(n=Sum("amount"))["n"]
    pending = Q(status=Commission.Status.PENDING)
    found = Commission.objects.filter(user_id=user_id).aggregate(
        pending=Sum("amount", filter=pending),
        pending_count=Count("pk", filter=pending),
        clawed=Sum("amount", filter=Q(kind=Commission.Kind.CLAWBACK)),
    )
    return Money(
        currency=summary.currency,
        paid=int(paid or 0),
        moved=-int(moved or 0),
        held=summary.held,
        available=summary.available,
        pending=int(found["pending"] or 0),
        pending_count=found["pending_count"],
        owed=summary.owed,
        clawed_back=-int(found["clawed"] or 0),
    )


@dataclass(frozen=True)
class Tile:
    value: int
    delta: charts.Delta
    spark: str


@dataclass(frozen=True)
class Period:
    """This month so far, and the same days of the month before."""

    today: date

    @property
    def start(self) -> date:
        return self.today.replace(day=1)

    @property
    def before(self) -> tuple[date, date]:
        first = first_of_month(self.today, back=1)
        return first, min(first + timedelta(days=self.today.day - 1), self.start - timedelta(days=1))

    @property
    def words(self) -> str:
        first, last = self.before
        return f"{first.day}–{last.day} {first:%b}" if first != last else f"{first.day} {first:%b}"


def counted(user_id: UUID) -> QuerySet[Commission]:
    """What counts as earned: neither rejected nor reversed; clawbacks count against it."""
    return Commission.objects.filter(user_id=user_id, status__in=COUNTED)


@dataclass(frozen=True)
class Earned:
    """Twelve months of earnings by level."""

    tile: Tile
    chart: charts.Columns
    depth: int
    """How many series there are: 1, 2 or 3 and further."""


def earned(user_id: UUID) -> Earned:
    """Two queries."""
    period = Period(site_day())
    months = [first_of_month(period.today, back=back) for back in range(MONTHS - 1, -1, -1)]
    by_month = _by_month(user_id, months[0])
    rows = [(f"{month:%b}", [by_month[month, series] for series in (1, 2, 3)]) for month in months]
    first, last = period.before
    before = counted(user_id).filter(
        earned_at__gte=midnight(first), earned_at__lt=midnight(last + timedelta(days=1))
    ).aggregate(n=Sum("amount"))["n"]  # fmt: skip
    unit = 10 ** money.exponent(current_site().currency)
    totals = [sum(values) for _, values in rows]
    return Earned(
        tile=Tile(totals[-1], charts.delta(totals[-1], int(before or 0)), charts.spark(totals)),
        chart=charts.columns(rows, unit=unit),
        depth=max((series for (_, series), amount in by_month.items() if amount), default=1),
    )


def _by_month(user_id: UUID, since: date) -> dict[tuple[date, int], int]:
    rows = (
        counted(user_id)
        .filter(earned_at__gte=midnight(since))
        .annotate(month=TruncMonth("earned_at"))
        .order_by()
        .values_list("month", "level")
        .annotate(total=Sum("amount"))
    )
    found: dict[tuple[date, int], int] = defaultdict(int)
    for month, level, total in rows:
        found[month.date(), min(level, 3)] += int(total)
    return found


@dataclass(frozen=True)
class LevelEarned:
    level: int
    amount: int
    width: str
    series: int


def earned_by_level(user_id: UUID) -> list[LevelEarned]:
    """Since the beginning, clawbacks against it. One query."""
    rows = dict(counted(user_id).order_by().values_list("level").annotate(total=Sum("amount")))
    widest = max(rows.values(), default=0)
    return [
        LevelEarned(level, int(total), share(max(int(total), 0), int(widest)), min(level, 3))
        for level, total in sorted(rows.items())
    ]


@dataclass(frozen=True)
class Traffic:
    clicks: Tile
    signups: Tile


def traffic(partner: Partner) -> Traffic:
    """Clicks of thirty days and signups of twelve months. Two queries."""
    period = Period(site_day())
    return Traffic(clicks=_clicks(partner, period), signups=_signups(partner, period))


def _clicks(partner: Partner, period: Period) -> Tile:
    since = min(period.before[0], period.today - timedelta(days=29))
    by_day = _by_day(Click.objects.filter(partner=partner), since)
    days = [period.today - timedelta(days=back) for back in range(29, -1, -1)]
    return Tile(
        _between(by_day, period.start, period.today),
        charts.delta(_between(by_day, period.start, period.today), _between(by_day, *period.before)),
        charts.spark([by_day.get(day, 0) for day in days]),
    )


def _signups(partner: Partner, period: Period) -> Tile:
    since = first_of_month(period.today, back=MONTHS - 1)
    by_day = _by_day(Conversion.objects.filter(partner=partner, kind=Conversion.Kind.SIGNUP), since)
    by_month: dict[date, int] = defaultdict(int)
    for day, people in by_day.items():
        by_month[first_of_month(day)] += people
    months = [first_of_month(period.today, back=back) for back in range(MONTHS - 1, -1, -1)]
    now = _between(by_day, period.start, period.today)
    return Tile(
        now, charts.delta(now, _between(by_day, *period.before)), charts.spark([by_month[month] for month in months])
    )


def _by_day(rows: QuerySet[Any], since: date) -> dict[date, int]:
    days = rows.filter(created_at__gte=midnight(since)).annotate(day=TruncDate("created_at")).order_by()
    return dict(days.values_list("day").annotate(n=Count("pk")))


def _between(by_day: dict[date, int], first: date, last: date) -> int:
    return sum(n for day, n in by_day.items() if first <= day <= last)


@dataclass(frozen=True)
class Expected:
    """What may be there by the end of the month. The last part is a projection and shows its arithmetic."""

    until: date
    available: int
    pending: int
    pending_count: int
    days_left: int
    recent: int
    projected: int

    @property
    def total(self) -> int:
        return self.available + self.pending + self.projected


RECENT_DAYS = 90


def expected(user_id: UUID, summary: Summary) -> Expected:
    """One query. Recent earnings, by the day, for the days that are left."""
    today = site_day()
    until = first_of_month(today, back=-1) - timedelta(days=1)
    pending = Q(status=Commission.Status.PENDING)
    since = midnight(today - timedelta(days=RECENT_DAYS))
    found = counted(user_id).aggregate(
        pending=Sum("amount", filter=pending),
        pending_count=Count("pk", filter=pending),
        recent=Sum("amount", filter=Q(earned_at__gte=since)),
    )
    recent = int(found["recent"] or 0)
    days = (until - today).days
    return Expected(
        until=until,
        available=summary.available,
        pending=int(found["pending"] or 0),
        pending_count=found["pending_count"],
        days_left=days,
        recent=recent,
        projected=money.share(max(recent, 0), days, RECENT_DAYS),
    )


def this_period() -> Period:
    return Period(site_day())
