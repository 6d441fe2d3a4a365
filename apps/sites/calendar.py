"""Days, months and years of the site's own calendar: what figures, statements and limits are cut by (settled.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.db.models.functions import TruncDate, TruncMonth, TruncYear

from apps.core.errors import Invalid
from apps.sites.selectors import current_site, midnight, site_day

MOST_ROWS = 400  # a year of days, with room


def first_of_month(day: date, *, back: int = 0) -> date:
    """The first day of the month of `day`, or of so many months before; negative ones are to come."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def first_of_year(day: date, *, back: int = 0) -> date:
    return date(day.year - back, 1, 1)


@dataclass(frozen=True)
class Period:
    """A unit of the calendar. `start(day, back=n)` is the first day of the unit of `day`, or of n units before."""

    name: str
    plural: str
    start: Callable[..., date]
    trunc: Any
    shown: str  # as strftime has it; a day stands without its zero

    def named(self, start: date) -> str:
        """ "14 Nov", "November 2026", "2026"."""
        return f"{start:{self.shown}}".lstrip("0")

    def short(self, start: date) -> str:
        """As it stands below a column: "14", "Nov", "2026"."""
        return f"{start:{self.shown.split()[0]}}"[: 3 if self.name == "month" else 4].lstrip("0")

    def following(self, day: date) -> date:
        return self.start(day, back=-1)


PERIODS = {
    period.name: period
    for period in (
        Period("day", "Days", lambda day, back=0: day - timedelta(days=back), TruncDate, "%d %b"),
        Period("month", "Months", first_of_month, TruncMonth, "%B %Y"),
        Period("year", "Years", first_of_year, TruncYear, "%Y"),
    )
}


def period_of(written: str) -> Period:
    """Raises Invalid."""
    if written not in PERIODS:
        raise Invalid("invalid", "period is day, month or year.", field="period")
    return PERIODS[written]


@dataclass(frozen=True)
class Span:
    """Whole units one after the other: the first day of each, and the day after the last."""

    period: Period
    starts: list[date]
    end: date

    @property
    def first(self) -> date:
        return self.starts[0]

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    def within(self, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
        """Rows whose `field`, an instant, is in it."""
        return rows.filter(**{f"{field}__gte": midnight(self.first), f"{field}__lt": midnight(self.end)})

    def sums(self, rows: QuerySet[Any], field: str, *figures: Any) -> dict[date, list[Any]]:
        """{first day of a unit: figures of the rows `within` it}; units without rows are left out. One query."""
        zone = ZoneInfo(current_site().time_zone)
        cut = self.within(rows, field).order_by().annotate(unit=self.period.trunc(field, tzinfo=zone))
        found = cut.values_list("unit").annotate(*figures)
        return {start.date() if isinstance(start, datetime) else start: sums for start, *sums in found}


def span(period: Period, *, first: date, last: date | None = None) -> Span:
    """From `first` to `last`, by default today, widened to whole units. Raises Invalid: the wrong way round, or more than 400."""
    last = last or site_day()
    starts = [period.start(first)]
    if starts[0] > last:
        raise Invalid("invalid", "The range ends before it begins.", field="to")
    while (following := period.following(starts[-1])) <= last:
        starts.append(following)
        if len(starts) > MOST_ROWS:
            raise Invalid("invalid", f"At most {MOST_ROWS} rows: ask for months or years.", field="from")
    return Span(period, starts, following)
