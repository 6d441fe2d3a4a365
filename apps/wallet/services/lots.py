"""Lots: which amount that came in does money that goes out come from. Oldest first.

Callers hold the lock of the earnings account, so nobody else moves its lots meanwhile.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils.module_loading import import_string

from apps.wallet.errors import LedgerBroken
from apps.wallet.models import HoldShare, Lot

logger = logging.getLogger(__name__)

Listener = Callable[[Sequence[str]], None]
_listeners: dict[str, str] = {}
_owned: set[str] = set()


@dataclass(frozen=True)
class Share:
    lot: Lot
    amount: int


def on_consumed(ref_type: str, path: str) -> None:
    """Name the function that is told, in the same transaction, which refs of this type are wholly consumed.

    An upper app registers it in AppConfig.ready: a commission is paid once its lot is gone.
    """
    _listeners[ref_type] = path


def own(ref_type: str) -> None:
    """Say that an upper app credits refs of this type, without wanting to hear when they have left."""
    _owned.add(ref_type)


def is_listened_to(ref_type: str) -> bool:
    """Whether an app credits refs of this type itself."""
    return ref_type in _listeners or ref_type in _owned


def oldest_first(account_id: UUID, amount: int) -> list[Share]:
    """Free parts of lots that add up to `amount`. Raises LedgerBroken when lots and balance disagree."""
    shares, rest = [], amount
    for lot in (
        Lot.objects.filter(account_id=account_id, amount__gt=F("reserved") + F("consumed")).order_by("id").iterator()
    ):
        if rest <= 0:
            break
        part = min(lot.free, rest)
        shares.append(Share(lot, part))
        rest -= part
    if rest > 0:
        raise LedgerBroken(f"lots of account {account_id} lack {rest}")
    return shares


def consume(account_id: UUID, amount: int) -> None:
    """Take from free lots for good."""
    shares = oldest_first(account_id, amount)
    for share in shares:
        share.lot.consumed += share.amount
    _save(shares)
    tell_consumed(shares)


@dataclass(frozen=True)
class Reservation:
    """So much of an account's free lots, under a key."""

    account_id: UUID
    amount: int
    key: str


# The free parts of lots that each account's amount needs, oldest first: as much of a lot as is not covered by those before it.
_NEEDED = """
SELECT l.id, l.account_id, least(l.free, w.amount - l.before)::bigint
FROM (
    SELECT id, account_id, amount - reserved - consumed AS free,
        sum(amount - reserved - consumed) OVER (PARTITION BY account_id ORDER BY id) - (amount - reserved - consumed) AS before
    FROM wallet_lot
    WHERE site_id = current_site() AND account_id = ANY(%(accounts)s) AND amount > reserved + consumed
) l JOIN unnest(%(accounts)s::uuid[], %(amounts)s::bigint[]) AS w (account_id, amount) ON w.account_id = l.account_id
WHERE l.before < w.amount ORDER BY l.id
"""

_MOVE = """
UPDATE wallet_lot l SET reserved = l.reserved + d.reserved, consumed = l.consumed + d.consumed
FROM unnest(%(ids)s::uuid[], %(reserved)s::bigint[], %(consumed)s::bigint[]) AS d (id, reserved, consumed) WHERE l.id = d.id
"""


def reserve(account_id: UUID, amount: int, hold_key: str) -> None:
    reserve_many([Reservation(account_id, amount, hold_key)])


def reserve_many(wanted: Sequence[Reservation]) -> None:
    """One for each account at most. Three statements, however many. Raises LedgerBroken when lots and balance disagree."""
    by_account = {one.account_id: one for one in wanted}
    params: dict[str, Any] = {"accounts": list(by_account), "amounts": [one.amount for one in by_account.values()]}
    with connection.cursor() as cursor:
        cursor.execute(_NEEDED, params)
        parts = cursor.fetchall()
        found = Counter[UUID]()
        for _, account_id, part in parts:
            found[account_id] += part
        short = [str(one.account_id) for one in by_account.values() if found[one.account_id] != one.amount]
        if short:
            raise LedgerBroken(f"lots of account {short[0]} differ from its balance")
        ids, amounts = [part[0] for part in parts], [part[2] for part in parts]
        cursor.execute(_MOVE, {"ids": ids, "reserved": amounts, "consumed": [0] * len(ids)})
    HoldShare.objects.bulk_create(
        [HoldShare(hold_key=by_account[account].key, lot_id=lot, amount=part) for lot, account, part in parts]
    )


def unreserve(hold_keys: Sequence[str], *, consumed: bool) -> None:
    """End reservations: the money is gone, or free again. Three statements, however many."""
    rows = HoldShare.objects.filter(hold_key__in=hold_keys).select_related("lot").order_by("lot_id")
    shares = [Share(row.lot, row.amount) for row in rows]
    ids, amounts = [share.lot.pk for share in shares], [share.amount for share in shares]
    gone = amounts if consumed else [0] * len(amounts)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"ids": ids, "reserved": [-amount for amount in amounts], "consumed": gone})
    for share in shares:
        share.lot.reserved -= share.amount
        share.lot.consumed += share.amount if consumed else 0
    if consumed:
        tell_consumed(shares)


def _save(shares: Sequence[Share]) -> None:
    Lot.objects.bulk_update([share.lot for share in shares], ["reserved", "consumed"])


def tell_consumed(shares: Sequence[Share]) -> None:
    gone: dict[str, list[str]] = {}
    for share in shares:
        if share.lot.consumed == share.lot.amount:
            gone.setdefault(share.lot.ref_type, []).append(share.lot.ref_id)
    for ref_type, ref_ids in gone.items():
        path = _listeners.get(ref_type)
        if path:
            listener: Listener = import_string(path)
            listener(ref_ids)
