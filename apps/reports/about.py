"""What movements are about, in words: the sale behind a commission, the payout with its method and reference."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.activities.models import Activity
from apps.bonuses.models import REF_TYPES, Bonus
from apps.commissions.models import Commission
from apps.core.ids import read_uuid
from apps.payouts.gateways import WALLET
from apps.payouts.models import Payout
from apps.referrals.selectors import name_below
from apps.wallet.models import Deposit, Entry


@dataclass(frozen=True)
class About:
    """`method` and `reference` are those of a payout: where the money went, masked, and what the bank or gateway calls it."""

    words: str
    method: str = ""
    reference: str = ""


def abouts(entries: Iterable[Entry]) -> dict[tuple[str, str], About]:
    """{(ref_type, ref_id): About} of all of them; one query for each kind there is, however many."""
    refs: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        refs[entry.ref_type].add(entry.ref_id)
    found: dict[tuple[str, str], About] = {}
    for ref_type, ref_ids in refs.items():
        ids = [pk for text in ref_ids if (pk := read_uuid(text)) is not None]  # a ref is any text
        rows = _READERS[ref_type](ids) if ref_type in _READERS else []
        known = {str(row.pk): told for row, told in rows}
        for ref_id in ref_ids:
            found[ref_type, ref_id] = known.get(ref_id) or About(_plain(ref_type, ref_id))
    return found


def _plain(ref_type: str, ref_id: str) -> str:
    """A ref that isn't ours: a service's own, or a move of one's own money."""
    return "Your own move" if ref_type == "transfer" else f"{ref_type} {ref_id}".strip()


Read = list[tuple[Any, About]]


def _commissions(ids: Sequence[UUID]) -> Read:
    rows = Commission.objects.filter(pk__in=ids).select_related("source_user", "order", "line")
    return [
        (row, About(f"{row.line.name or row.category}, level {row.level}, {_buyer(row)}, order {row.order}"))
        for row in rows
    ]


def _buyer(row: Commission) -> str:
    user = row.source_user
    return name_below(user.full_name, user.email) if user else "a guest"


def _bonuses(ids: Sequence[UUID]) -> Read:
    rows = Bonus.objects.filter(pk__in=ids).select_related("referred")
    return [
        (row, About(f"{row.get_event_type_display()} of {name_below(row.referred.full_name, row.referred.email)}"))
        for row in rows
    ]


def _payouts(ids: Sequence[UUID]) -> Read:
    rows = Payout.objects.filter(pk__in=ids).select_related("method")
    return [(row, About(_payout(row), method_of(row), row.reference)) for row in rows]


def _payout(row: Payout) -> str:
    return f"Payout {row.number}" + (f": {row.reason}" if row.reason else "")


def method_of(row: Payout) -> str:
    """Where a payout goes, as people may see it."""
    if row.gateway == WALLET:
        return "Into funds"
    return row.method.label if row.method else "By arrangement"


def _deposits(ids: Sequence[UUID]) -> Read:
    return [(row, About(f"Deposit {row}")) for row in Deposit.objects.filter(pk__in=ids)]


def _activities(ids: Sequence[UUID]) -> Read:
    rows = Activity.objects.filter(pk__in=ids).select_related("user")
    return [(row, About(f"{row.get_type_display()}: {row.summary}, {row}")) for row in rows]


_READERS: dict[str, Callable[[Sequence[UUID]], Read]] = {
    "commission": _commissions, "payout": _payouts, "deposit": _deposits, "activity": _activities,
    **dict.fromkeys(REF_TYPES.values(), _bonuses),
}  # fmt: skip
