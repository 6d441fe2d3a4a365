"""What a partner earned and was paid in a tax year of the site, month by month (its own calendar, `tax_year_month`).

    opening + earned − reversed − clawed back − paid out − transferred − deposit debt = closing

All of it are sums of postings at the instant they were posted: what a refund takes back counts in the year of the refund, also
when the commission was of the year before. `opening` and `closing` are the balance of earnings: available + held − owed.
`deposit_debt` is what deposits given back left owed by the earnings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from apps.core import exports
from apps.core.tenancy import require_site_id, site_context
from apps.reports.periods import TaxYear
from apps.sites.selectors import current_site, site_day
from apps.wallet.models import Account, Entry, Pocket, Posting

Kind = Entry.Kind
OF_EARNINGS = (Pocket.EARNINGS, Pocket.HELD, Pocket.OWED)


@dataclass(frozen=True)
class Figures:
    """Minor units. What left or was taken back stands as a positive number."""

    commissions: int = 0
    bonuses: int = 0
    credits: int = 0
    reversed: int = 0
    clawed_back: int = 0
    paid_out: int = 0
    transferred: int = 0
    deposit_debt: int = 0

    @property
    def earned(self) -> int:
        return self.commissions + self.bonuses + self.credits

    @property
    def taken_back(self) -> int:
        return self.reversed + self.clawed_back

    @property
    def net(self) -> int:
        """What was earned less what was taken back."""
        return self.earned - self.taken_back

    @property
    def change(self) -> int:
        """Of the balance of earnings."""
        return self.net - self.paid_out - self.transferred - self.deposit_debt

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True)
class Summary:
    """`months` has all twelve, by their first day."""

    user_id: UUID
    year: TaxYear
    currency: str
    months: dict[date, Figures]
    opening: int
    closing: int

    @property
    def total(self) -> Figures:
        return sum(self.months.values(), Figures())

    @property
    def begun(self) -> list[tuple[date, Figures, int]]:
        """(first day, figures, balance of earnings at its end) of the months that have begun."""
        begun, balance = [], self.opening
        for first, row in self.months.items():
            if first <= site_day():
                balance += row.change
                begun.append((first, row, balance))
        return begun


# Which postings of a person each figure sums, and whether it is what went out of them.
_SUMS: dict[str, tuple[Q, int]] = {
    "commissions": (Q(entry__kind=Kind.COMMISSION), 1),
    "bonuses": (Q(entry__kind=Kind.BONUS), 1),
    "credits": (Q(entry__kind=Kind.CREDIT), 1),
    "reversed": (Q(entry__kind=Kind.REVERSAL, account__kind=Pocket.EARNINGS), -1),  # of funds they are activities'
    "clawed_back": (Q(entry__kind=Kind.CLAWBACK), -1),
    "paid_out": (Q(entry__kind=Kind.PAYOUT), -1),
    "transferred": (Q(entry__kind=Kind.TRANSFER, account__kind=Pocket.FUNDS), 1),
    "deposit_debt": (
        Q(entry__kind__in=(Kind.REFUND, Kind.RELEASE), entry__ref_type="deposit", account__kind=Pocket.OWED),
        -1,
    ),
}


def summaries(user_ids: Iterable[UUID], year: TaxYear) -> dict[UUID, Summary]:
    """One for each. Two queries, however many."""
    users, currency = list(user_ids), current_site().currency
    mine = Posting.objects.filter(
        account__in=Account.objects.filter(user_id__in=users, currency=currency), entry__created_at__lt=year.ends
    ).order_by()
    months: dict[UUID, dict[date, Figures]] = {user: dict.fromkeys(year.months, Figures()) for user in users}
    cut = TruncMonth("entry__created_at", tzinfo=ZoneInfo(current_site().time_zone))
    sums = {f"n_{name}": Sum("amount", filter=which, default=0) for name, (which, _) in _SUMS.items()}
    within: Any = (
        mine.filter(entry__created_at__gte=year.begins).annotate(month=cut).values("account__user_id", "month")
    )
    for row in within.annotate(**sums):
        figures = {name: int(row[f"n_{name}"]) * sign for name, (_, sign) in _SUMS.items()}
        months[row["account__user_id"]][row["month"].date()] = Figures(**figures)
    earnings = mine.filter(account__kind__in=OF_EARNINGS).values("account__user_id")
    before = Sum("amount", filter=Q(entry__created_at__lt=year.begins), default=0)
    stood = {
        row["account__user_id"]: (int(row["opening"]), int(row["closing"]))
        for row in earnings.annotate(opening=before, closing=Sum("amount", default=0))
    }
    return {user: Summary(user, year, currency, months[user], *stood.get(user, (0, 0))) for user in users}


def summary(user_id: UUID, year: TaxYear) -> Summary:
    return summaries([user_id], year)[user_id]


def who_moved(year: TaxYear) -> QuerySet[Account]:
    """The earnings accounts of those whose earnings moved in it, with their user."""
    theirs = Account.objects.filter(
        user_id=OuterRef(OuterRef("user_id")), kind__in=OF_EARNINGS, currency=current_site().currency
    )
    moved = Posting.objects.filter(
        account__in=theirs.values("pk"), entry__created_at__gte=year.begins, entry__created_at__lt=year.ends
    )
    return (
        Account.objects.filter(
            Exists(moved), kind=Pocket.EARNINGS, currency=current_site().currency, user__isnull=False
        )
        .select_related("user")
        .order_by("-id")
    )


COLUMNS = (
    "month", "commissions", "bonuses", "credits", "earned", "reversed", "clawed_back", "net", "paid_out", "transferred",
    "deposit_debt", "currency",
)  # fmt: skip


def sheet(*, user: Any, year: TaxYear, actor: Any) -> exports.Sheet:
    """One person's year as a file: twelve months and their sum."""
    site = current_site()
    return exports.Sheet(
        name=f"tax-summary-{year.name}", title=f"Tax-year summary {year.title}, {user.full_name or user.email}",
        site=site.code, columns=COLUMNS, read=partial(_read, user.pk, year), count=lambda limit: 13,
        context=partial(site_context, require_site_id()),
        filters={"from": str(year.first), "to": str(year.last), "of": user.email},
        who=f"{actor.actor_name}, {timezone.now().astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d %H:%M}",
    )  # fmt: skip


LIST_COLUMNS = ("name", "email", "currency", "opening", *COLUMNS[1:-1], "closing")


def list_sheet(*, year: TaxYear, actor: Any) -> exports.Sheet:
    """Everybody's year as a file, one row each."""
    site, rows = current_site(), partial(who_moved, year)
    return exports.Sheet(
        name=f"tax-summaries-{year.name}", title=f"Tax-year summaries {year.title}", site=site.code, columns=LIST_COLUMNS,
        read=partial(_read_list, year), count=lambda limit: int(rows()[:limit].count()),
        context=partial(site_context, require_site_id()), filters={"from": str(year.first), "to": str(year.last)},
        who=f"{actor.actor_name}, {timezone.now().astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d %H:%M}",
    )  # fmt: skip


def _read_list(year: TaxYear, after: Any, size: int) -> tuple[list[Sequence[Any]], Any]:
    found, end = exports.keyset_page(who_moved(year), ordering="-id", after=after, size=size)
    told = summaries([account.user_id for account in found], year)
    return [_person(account.user, told[account.user_id]) for account in found], end


def _person(user: Any, told: Summary) -> Sequence[Any]:
    amounts = (told.opening, *(getattr(told.total, column) for column in COLUMNS[1:-1]), told.closing)
    return [
        user.full_name,
        user.email,
        told.currency,
        *(exports.money_cell(amount, told.currency) for amount in amounts),
    ]


def _read(user_id: UUID, year: TaxYear, after: Any, size: int) -> tuple[list[Sequence[Any]], None]:
    told = summary(user_id, year)
    parts: list[tuple[str, Figures]] = [(f"{first:%Y-%m}", row) for first, row in told.months.items()]
    rows = [_row(name, row, told.currency) for name, row in [*parts, ("total", told.total)]]
    return rows, None


def _row(name: str, row: Figures, currency: str) -> Sequence[Any]:
    amounts = (exports.money_cell(getattr(row, column), currency) for column in COLUMNS[1:-1])
    return [name, *amounts, currency]
