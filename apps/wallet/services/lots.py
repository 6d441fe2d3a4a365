"""Lots: which amount that came in does money that goes out come from. Oldest first.

Callers hold the lock of the earnings account, so nobody else moves its lots meanwhile.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

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


def reserve(account_id: UUID, amount: int, hold_key: str) -> list[Share]:
    shares = oldest_first(account_id, amount)
    for share in shares:
        share.lot.reserved += share.amount
    _save(shares)
    HoldShare.objects.bulk_create(
        [HoldShare(hold_key=hold_key, lot=share.lot, amount=share.amount) for share in shares]
    )
    return shares


def unreserve(hold_key: str, *, consumed: bool) -> list[Share]:
    """End a reservation: the money is gone, or free again."""
    rows = HoldShare.objects.filter(hold_key=hold_key).select_related("lot").order_by("lot_id")
    shares = [Share(row.lot, row.amount) for row in rows]
    for share in shares:
        share.lot.reserved -= share.amount
        share.lot.consumed += share.amount if consumed else 0
    _save(shares)
    if consumed:
        tell_consumed(shares)
    return shares


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
