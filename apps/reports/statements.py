"""A wallet over some days as a file: what each pocket held, every movement with what it is about, and what each held then.

Opening + movements = closing, by construction: what a pocket holds is carried from row to row, and the last of it closes the
statement. So a row costs the same whether the wallet has ten or a million.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core import exports
from apps.reports.about import About, abouts
from apps.reports.periods import Days
from apps.reports.sheets import site_sheet
from apps.sites.selectors import current_site
from apps.wallet.models import Account, Pocket, Posting

COLUMNS = (
    "when", "movement", "pocket", "amount", "pocket_then", "currency", "about", "method", "reference", "ref_type", "ref_id",
)  # fmt: skip
OPENING, CLOSING = "Opening balance", "Closing balance"


@dataclass(frozen=True)
class _Asked:
    """Whose, and of which instants: `until` is fixed at the beginning, so that what moves meanwhile is not in it."""

    user_id: UUID
    since: datetime
    until: datetime
    zone: ZoneInfo


@dataclass
class _Place:
    """Where a page ended: the last posting, and what each account (pocket, currency) held after it."""

    last: int
    held: dict[UUID, int]
    pockets: dict[UUID, tuple[str, str]]


def statement(*, user: Any, days: Days) -> exports.Sheet:
    """Oldest first. A page is a constant number of queries."""
    asked = _Asked(user.pk, days.begins, min(days.ends, timezone.now()), ZoneInfo(current_site().time_zone))
    return site_sheet(
        actor=user, name=f"statement-{days.name}", title=f"Statement of {days.title}", columns=COLUMNS,
        read=partial(_read, asked), count=partial(_count, asked), filters={"from": str(days.first), "to": str(days.last)},
    )  # fmt: skip


def _rows(asked: _Asked, accounts: Any) -> Any:
    return Posting.objects.filter(
        account_id__in=accounts, entry__created_at__gte=asked.since, entry__created_at__lt=asked.until
    )


def _count(asked: _Asked, limit: int) -> int:
    mine = Account.objects.filter(user_id=asked.user_id).values("pk")
    return int(_rows(asked, mine)[:limit].count())


def _read(asked: _Asked, after: _Place | None, size: int) -> tuple[list[Sequence[Any]], _Place | None]:
    place = after or _opened(asked)
    rows: list[Sequence[Any]] = [] if after else _standing(place, OPENING, asked.since, asked.zone)
    found = list(_rows(asked, list(place.held)).filter(pk__gt=place.last).select_related("entry").order_by("pk")[:size])
    told = abouts(posting.entry for posting in found)
    for posting in found:
        place.held[posting.account_id] += posting.amount
        place.last = posting.pk
        rows.append(_row(posting, place, told[posting.entry.ref_type, posting.entry.ref_id], asked.zone))
    if len(found) == size:
        return rows, place
    return rows + _standing(place, CLOSING, asked.until, asked.zone), None


def _opened(asked: _Asked) -> _Place:
    before = Coalesce(Sum("postings__amount", filter=Q(postings__entry__created_at__lt=asked.since)), 0)
    accounts = Account.objects.filter(user_id=asked.user_id).order_by("currency", "kind")
    held, pockets = {}, {}
    for pk, kind, currency, amount in accounts.annotate(held=before).values_list("pk", "kind", "currency", "held"):
        held[pk], pockets[pk] = amount, (Pocket(kind).label, currency)
    return _Place(0, held, pockets)


def _row(posting: Posting, place: _Place, about: About, zone: ZoneInfo) -> Sequence[Any]:
    entry, (pocket, currency) = posting.entry, place.pockets[posting.account_id]
    return [
        _when(entry.created_at, zone), entry.get_kind_display(), pocket, exports.money_cell(posting.amount, currency),
        exports.money_cell(place.held[posting.account_id], currency), currency, about.words, about.method, about.reference,
        entry.ref_type, entry.ref_id,
    ]  # fmt: skip


def _standing(place: _Place, words: str, at: datetime, zone: ZoneInfo) -> list[Sequence[Any]]:
    """One row for each pocket that there is: what it holds, about nothing."""
    when, nothing = _when(at, zone), [""] * (len(COLUMNS) - 6)
    return [
        [when, words, pocket, None, exports.money_cell(place.held[pk], currency), currency, *nothing]
        for pk, (pocket, currency) in place.pockets.items()
    ]


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
