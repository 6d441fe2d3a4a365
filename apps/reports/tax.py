"""What a partner earned and was paid in a tax year of the site, month by month (its own calendar, `tax_year_month`).

    opening + earned − reversed − clawed back − paid out − transferred − deposit debt = closing

All of it are sums of postings at the instant they were posted: what a refund takes back counts in the year of the refund, also
when the commission was of the year before. `opening` and `closing` are the balance of earnings: available + held − owed.
`deposit_debt` is what deposits given back left owed by the earnings.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

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
    accounts = Account.objects.filter(user_id__in=users, currency=currency)
    theirs = Posting.objects.filter(account__in=accounts, entry__created_at__lt=year.ends).order_by()
    months, stood = _by_month(theirs, users, year), _stood(theirs, year)
    return {user: Summary(user, year, currency, months[user], *stood.get(user, (0, 0))) for user in users}


def _by_month(postings: QuerySet[Posting], users: list[UUID], year: TaxYear) -> dict[UUID, dict[date, Figures]]:
    """{user: {first day: Figures}} of all twelve, also of those in which nothing moved."""
    found: dict[UUID, dict[date, Figures]] = {user: dict.fromkeys(year.months, Figures()) for user in users}
    cut = TruncMonth("entry__created_at", tzinfo=ZoneInfo(current_site().time_zone))
    sums = {f"n_{name}": Sum("amount", filter=which, default=0) for name, (which, _) in _SUMS.items()}
    within = postings.filter(entry__created_at__gte=year.begins)
    rows: Any = within.annotate(month=cut).values("account__user_id", "month").annotate(**sums)
    for row in rows:
        figures = {name: int(row[f"n_{name}"]) * sign for name, (_, sign) in _SUMS.items()}
        found[row["account__user_id"]][row["month"].date()] = Figures(**figures)
    return found


def _stood(postings: QuerySet[Posting], year: TaxYear) -> dict[UUID, tuple[int, int]]:
    """{user: (opening, closing)} of the balance of earnings; who has none is left out."""
    before = Sum("amount", filter=Q(entry__created_at__lt=year.begins), default=0)
    earnings: Any = postings.filter(account__kind__in=OF_EARNINGS).values("account__user_id")
    rows = earnings.annotate(opening=before, closing=Sum("amount", default=0))
    return {row["account__user_id"]: (int(row["opening"]), int(row["closing"])) for row in rows}


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
