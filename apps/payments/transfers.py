"""Money from the site's account at Stripe to a connected one (https://docs.stripe.com/api/transfers). Called outside of any
transaction; a transfer is done once it is made, and may be reversed later."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string

from apps.core.errors import DomainError
from apps.payments import errors
from apps.payments.stripe_api import Credentials, call

Taker = Callable[[dict[str, Any], str], str | None]
"""Hears of a transfer by an event: (object, account). None: not of mine. "": done. Else why nothing moved."""

_takers: list[str] = []


def register(path: str) -> None:
    """In AppConfig.ready of an app above that sends."""
    if path not in _takers:
        _takers.append(path)


def takers() -> Iterator[Taker]:
    for path in _takers:
        yield import_string(path)


@dataclass(frozen=True)
class MadeTransfer:
    """Amounts in minor units. `key` is ours."""

    id: str
    key: str
    amount: int
    reversed: int
    currency: str
    destination: str


def make_transfer(
    credentials: Credentials, *, key: str, amount: int, currency: str, destination: str, metadata: dict[str, str]
) -> MadeTransfer:
    """The same key again is the same transfer. Raises Unavailable (unknown: ask again), Conflict (refused)."""
    params: Any = {
        "amount": amount, "currency": currency.lower(), "destination": destination, "transfer_group": key,
        "metadata": metadata,
    }  # fmt: skip
    return _made(call(lambda client: client.v1.transfers.create(params, {"idempotency_key": key}), credentials))


def find_transfers(credentials: Credentials, *, key: str) -> list[MadeTransfer]:
    """All that were made under this key: one, if all is well. Raises Unavailable."""
    params: Any = {"transfer_group": key, "limit": 100}
    return [_made(one) for one in call(lambda client: client.v1.transfers.list(params).data, credentials)]


def transfers_since(credentials: Credentials, since: datetime) -> Iterator[MadeTransfer]:
    """Newest first, page by page. Raises Unavailable."""
    params: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    after: dict[str, str] = {}
    while True:
        page = call(lambda client: client.v1.transfers.list(params | after), credentials)  # noqa: B023 - runs at once
        yield from map(_made, page.data)
        if not page.has_more:
            return
        after = {"starting_after": page.data[-1].id}


def read_transfer(found: dict[str, Any]) -> MadeTransfer | None:
    """As an event tells of it, or None where it is none."""
    names = {"id": str, "amount": int, "currency": str, "destination": str, "transfer_group": str}
    if any(not isinstance(found.get(name), kind) for name, kind in names.items()):
        return None
    back = found.get("amount_reversed", 0)
    if not isinstance(back, int):
        return None
    return MadeTransfer(
        found["id"][:64],
        found["transfer_group"],
        found["amount"],
        back,
        found["currency"].upper(),
        found["destination"],
    )


def is_refusal(error: DomainError) -> bool:
    """Did Stripe say no, so that nothing was made? Else it isn't known: no answer, or a key that may not ask."""
    return error.code == errors.REFUSED_CODE


def _made(one: Any) -> MadeTransfer:
    return MadeTransfer(
        one.id,
        str(one.transfer_group or ""),
        one.amount,
        one.amount_reversed,
        one.currency.upper(),
        str(one.destination),
    )
