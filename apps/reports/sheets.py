"""Reports as files: what everybody owes and is owed at an instant, and tax years. Wallets over some days: statements.py."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.core import exports
from apps.core.tenancy import require_site_id, site_context
from apps.reports.periods import TaxYear
from apps.reports.selectors.liability import Liability, liability
from apps.reports.tax import Figures, Summary, summaries, summary, who_moved
from apps.sites.selectors import current_site

LIABILITY = (
    "currency", "at", "payable", "in_flight", "paid", "funds", "clawed_back", "sum", "ledger", "agrees", "held", "held_count",
)  # fmt: skip
FIGURES = (
    "commissions", "bonuses", "credits", "earned", "reversed", "clawed_back", "net", "paid_out", "transferred", "deposit_debt",
)  # fmt: skip


def site_sheet(*, actor: Any, **what: Any) -> exports.Sheet:
    """A sheet of the present site, made for `actor` at the site's own time. `what` is the rest of exports.Sheet."""
    site = current_site()
    now = timezone.now().astimezone(ZoneInfo(site.time_zone))
    return exports.Sheet(
        site=site.code, context=partial(site_context, require_site_id()), who=f"{actor.actor_name}, {now:%Y-%m-%d %H:%M}",
        **what,
    )  # fmt: skip


# --- liability -------------------------------------------------------------------------------------------------------------


def liability_sheet(*, at: datetime, actor: Any) -> exports.Sheet:
    """A row for each currency."""
    local = at.astimezone(ZoneInfo(current_site().time_zone))
    return site_sheet(
        actor=actor, name=f"liability-{at:%Y-%m-%dT%H%M%SZ}", title=f"Liability at {local:%-d %B %Y, %H:%M:%S}",
        columns=LIABILITY, read=partial(_read_liability, at), count=lambda limit: 1,
        filters={"at": at.astimezone(UTC).isoformat()},
    )  # fmt: skip


def _read_liability(at: datetime, after: Any, size: int) -> tuple[list[Sequence[Any]], None]:
    return [[_cell(row, name, at) for name in LIABILITY] for row in liability(at=at)], None


def _cell(row: Liability, name: str, at: datetime) -> Any:
    if name == "at":
        return at
    value = getattr(row, name)
    return value if name in ("currency", "agrees", "held_count") else exports.money_cell(value, row.currency)


# --- tax years -------------------------------------------------------------------------------------------------------------


def tax_sheet(*, user: Any, year: TaxYear, actor: Any) -> exports.Sheet:
    """One person's year: twelve months and their sum."""
    return site_sheet(
        actor=actor, name=f"tax-summary-{year.name}", title=f"Tax-year summary {year.title}, {user.full_name or user.email}",
        columns=("month", *FIGURES, "currency"), read=partial(_read_year, user.pk, year), count=lambda limit: 13,
        filters={"from": str(year.first), "to": str(year.last), "of": user.email},
    )  # fmt: skip


def _read_year(user_id: UUID, year: TaxYear, after: Any, size: int) -> tuple[list[Sequence[Any]], None]:
    told = summary(user_id, year)
    parts: list[tuple[str, Figures]] = [(f"{first:%Y-%m}", row) for first, row in told.months.items()]
    parts.append(("total", told.total))
    return [[name, *_amounts(row, told.currency), told.currency] for name, row in parts], None


def tax_list_sheet(*, year: TaxYear, actor: Any) -> exports.Sheet:
    """Everybody's year, one row each."""
    return site_sheet(
        actor=actor, name=f"tax-summaries-{year.name}", title=f"Tax-year summaries {year.title}",
        columns=("name", "email", "currency", "opening", *FIGURES, "closing"), read=partial(_read_people, year),
        count=lambda limit: int(who_moved(year)[:limit].count()), filters={"from": str(year.first), "to": str(year.last)},
    )  # fmt: skip


def _read_people(year: TaxYear, after: Any, size: int) -> tuple[list[Sequence[Any]], Any]:
    found, end = exports.keyset_page(who_moved(year), ordering="-id", after=after, size=size)
    told = summaries([account.user_id for account in found], year)
    return [_person(account.user, told[account.user_id]) for account in found], end


def _person(user: Any, told: Summary) -> Sequence[Any]:
    opening, closing = (exports.money_cell(amount, told.currency) for amount in (told.opening, told.closing))
    return [user.full_name, user.email, told.currency, opening, *_amounts(told.total, told.currency), closing]


def _amounts(row: Figures, currency: str) -> list[Any]:
    return [exports.money_cell(getattr(row, name), currency) for name in FIGURES]
