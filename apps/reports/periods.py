"""The days a statement is of, in the site's own calendar: any from-to, a month, a quarter, a year, or the site's tax year."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.core.api.filters import day_of
from apps.core.errors import Invalid
from apps.core.moments import EARLIEST
from apps.sites.calendar import first_of_month
from apps.sites.selectors import midnight, site_day, site_settings

_YEAR = re.compile(r"20\d\d|21\d\d")
_MONTH = re.compile(r"(20\d\d|21\d\d)-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"(20\d\d|21\d\d)-Q([1-4])")
_SAID = {
    "month": "A month that has begun, such as 2026-01.",
    "quarter": "A quarter that has begun, such as 2026-Q1.",
    "year": "A year that has begun, such as 2026.",
}
PRESETS = tuple(_SAID)
FIELDS = (*PRESETS, "from", "to")


@dataclass(frozen=True)
class Days:
    """Whole days, both ends included. `name` is theirs in a file's name, `title` on its first line."""

    first: date
    last: date
    name: str
    title: str

    @property
    def begins(self) -> datetime:
        return midnight(self.first)

    @property
    def ends(self) -> datetime:
        """The first instant after them."""
        return midnight(self.last + timedelta(days=1))


def read_days(query: Mapping[str, str]) -> Days:
    """One of `month=2026-01`, `quarter=2026-Q1`, `year=2026`, or `from=` and `to=` (default today).

    Raises Invalid naming the parameter: none or several of them, what is no such day, or what has not begun.
    """
    given = [name for name in (*PRESETS, "from") if query.get(name)]
    if len(given) > 1 or ("to" in query and given != ["from"]):
        name = given[-1] if len(given) > 1 else "from"
        raise Invalid("invalid", "One of month, quarter, year, or from and to.", field=name)
    if given == ["from"]:
        return _between(query)
    kind = given[0] if given else "month"
    return _preset(kind, query.get(kind, ""))


def _between(query: Mapping[str, str]) -> Days:
    first, last = day_of(query.get("from"), name="from"), day_of(query.get("to"), name="to") or site_day()
    if first is None or not EARLIEST.date() <= first <= site_day():
        raise Invalid("invalid", "The first day has to be between the year 2000 and today.", field="from")
    if not first <= last <= site_day():
        raise Invalid("invalid", "The last day can’t be before the first, nor after today.", field="to")
    return Days(first, last, f"{first}-to-{last}", f"{first:%-d %b %Y} to {last:%-d %b %Y}")


def _preset(kind: str, written: str) -> Days:
    months, first, title = 0, None, written
    if kind == "month" and (found := _MONTH.fullmatch(written)):
        months, first = 1, date(int(found[1]), int(found[2]), 1)
    elif kind == "quarter" and (found := _QUARTER.fullmatch(written)):
        months, first = 3, date(int(found[1]), 3 * int(found[2]) - 2, 1)
        title = f"quarter {found[2]} of {found[1]}"
    elif kind == "year" and _YEAR.fullmatch(written):
        months, first = 12, date(int(written), 1, 1)
    if first is None or first > site_day():
        raise Invalid("invalid", _SAID[kind], field=kind)
    return Days(first, _last_of(first, months), written, title)


def _last_of(first: date, months: int) -> date:
    return first_of_month(first, back=-months) - timedelta(days=1)


@dataclass(frozen=True)
class TaxYear(Days):
    """Twelve months from the site's `tax_year_month` on. `year` is that in which they begin."""

    year: int

    @property
    def months(self) -> list[date]:
        """The first day of each."""
        return [first_of_month(self.first, back=-number) for number in range(12)]


def tax_year(year: int, month: int | None = None) -> TaxYear:
    month = month or site_settings().tax_year_month
    first = date(year, month, 1)
    name = str(year) if month == 1 else f"{year}-{(year + 1) % 100:02}"
    return TaxYear(first, _last_of(first, 12), name, name, year)


def present_tax_year() -> TaxYear:
    today, month = site_day(), site_settings().tax_year_month
    return tax_year(today.year - (today.month < month), month)


def read_tax_year(written: str | None) -> TaxYear:
    """`2026` is the one that begins in 2026; without it, the present one. Raises Invalid: no year, or one to come."""
    if not written:
        return present_tax_year()
    found = tax_year(int(written)) if _YEAR.fullmatch(written) else None
    if found is None or found.first > site_day():
        raise Invalid("invalid", "A tax year that has begun, such as 2026.", field="year")
    return found


def last_tax_years(count: int = 6) -> list[TaxYear]:
    """The present one and those before, newest first."""
    present = present_tax_year()
    return [tax_year(present.year - back, present.first.month) for back in range(count)]


def presets() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a page offers: (kind, [(value, words)]), newest first."""
    today = site_day()
    months = [first_of_month(today, back=back) for back in range(12)]
    quarters = [first_of_month(today, back=(today.month - 1) % 3 + 3 * back) for back in range(6)]
    return [
        ("month", [(f"{first:%Y-%m}", f"{first:%B %Y}") for first in months]),
        ("quarter", [(_quarter(first), f"{first:%B} to {_last_of(first, 3):%B %Y}") for first in quarters]),
        ("year", [(str(today.year - back), str(today.year - back)) for back in range(4)]),
    ]


def _quarter(first: date) -> str:
    return f"{first.year}-Q{first.month // 3 + 1}"
