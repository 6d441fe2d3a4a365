"""A month of a wallet as a file: what was there, what moved, what is there then. Months are the site's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core import exports
from apps.core.errors import Invalid
from apps.core.tenancy import require_site_id, site_context
from apps.sites.calendar import first_of_month
from apps.sites.selectors import current_site, midnight, site_day
from apps.wallet.models import Account, Pocket
from apps.wallet.selectors import ledger_of

COLUMNS = ("when", "movement", "pocket", "amount", "pocket_then", "currency", "about")
_MONTH = re.compile(r"(20\d\d|21\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Month:
    first: date

    @property
    def begins(self) -> datetime:
        return midnight(self.first)

    @property
    def ends(self) -> datetime:
        """The first instant of the next one."""
        return midnight(first_of_month(self.first, back=-1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


def read_month(written: str) -> Month:
    """`2026-01`. Raises Invalid: no month, or one to come."""
    found = _MONTH.fullmatch(written)
    first = date(int(found[1]), int(found[2]), 1) if found else None
    if first is None or first > site_day():
        raise Invalid("invalid", "A month that has begun, such as 2026-01.", field="month")
    return Month(first)


def last_months(count: int = 12) -> list[Month]:
    """This one and those before, newest first."""
    return [Month(first_of_month(site_day(), back=back)) for back in range(count)]


def statement(*, user: Any, month: Month) -> exports.Sheet:
    """Oldest first, between what each pocket held when the month began and what it held when it ended."""
    site = current_site()
    return exports.Sheet(
        name=f"statement-{month}", title=f"Statement of {month}", site=site.code, columns=COLUMNS,
        read=partial(_read, user.pk, month, site.time_zone), count=partial(_count, user.pk, month),
        context=partial(site_context, require_site_id()), filters={"month": str(month)},
        who=f"{user.actor_name}, {timezone.now().astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d %H:%M}",
    )  # fmt: skip


def _rows(user_id: UUID, month: Month) -> Any:
    return ledger_of(user_id).filter(entry__created_at__gte=month.begins, entry__created_at__lt=month.ends)


def _count(user_id: UUID, month: Month, limit: int) -> int:
    return int(_rows(user_id, month)[:limit].count())


def _read(user_id: UUID, month: Month, zone: str, after: Any, size: int) -> tuple[list[Sequence[Any]], Any]:
    found, end = exports.keyset_page(_rows(user_id, month), ordering="id", after=after, size=size)
    rows = [_row(posting, zone) for posting in found]
    if after is None:
        rows = _held(user_id, month.begins, "Held when the month began", zone) + rows
    if end is None:
        rows += _held(user_id, min(month.ends, timezone.now()), "Held at its end", zone)
    return rows, end


def _row(posting: Any, zone: str) -> Sequence[Any]:
    entry, currency = posting.entry, posting.currency
    return [
        _when(entry.created_at, zone), entry.get_kind_display(), posting.account.get_kind_display(),
        exports.money_cell(posting.amount, currency), exports.money_cell(posting.balance_after, currency), currency,
        f"{entry.ref_type} {entry.ref_id}".strip(),
    ]  # fmt: skip


def _held(user_id: UUID, at: datetime, words: str, zone: str) -> list[Sequence[Any]]:
    """One row for each pocket that there is."""
    sums = Coalesce(Sum("postings__amount", filter=Q(postings__entry__created_at__lt=at)), 0)
    accounts = Account.objects.filter(user_id=user_id).annotate(held=sums).order_by("currency", "kind")
    return [
        [
            _when(at, zone),
            words,
            Pocket(row.kind).label,
            "",
            exports.money_cell(row.held, row.currency),
            row.currency,
            "",
        ]
        for row in accounts
    ]


def _when(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
