"""What pays. An operator adds one by a class that does what `Gateway` says, named in `UPLINE_PAYOUT_GATEWAYS`.

Which pays a payout: the first in that setting that pays this kind of method and is offered at the site; by hand otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, Self

from django.conf import settings
from django.utils.module_loading import import_string

from apps.custody.gateways import Refused, Unknown
from apps.payouts.models import PayoutMethod

__all__ = [
    "MANUAL", "WALLET", "Gateway", "Instruction", "Refused", "Reported", "Stage", "Unknown", "Way", "choose", "find_class",
    "known", "offered_kinds",
]  # fmt: skip

MANUAL, WALLET = "manual", "wallet"


class Way(StrEnum):
    BY_HAND = "by_hand"  # a person pays, and says so
    AT_ONCE = "at_once"  # no call: it is done in the same transaction
    OUTSIDE = "outside"  # sent, and asked about until it is over


class Stage(StrEnum):
    ON_ITS_WAY = "sent"
    COMPLETED = "completed"
    FAILED = "failed"
    REVERSED = "reversed"  # came back, all or a part, after it had arrived


@dataclass(frozen=True)
class Instruction:
    """What to pay. `key` is ours, one for each payout and the same for ever. `amount` in minor units."""

    key: str
    amount: int
    currency: str
    details: dict[str, str] = field(repr=False)
    note: str = ""


@dataclass(frozen=True)
class Reported:
    """What the gateway says of one payment. None is what it didn't say."""

    provider_id: str
    key: str
    stage: Stage
    state: str
    amount: int | None = None
    currency: str | None = None
    destination: str | None = None
    reference: str = ""
    failure: str = ""


class Gateway(Protocol):
    """`kinds` are the methods it pays. Made by `open` inside of the site's context, used outside of any transaction."""

    label: ClassVar[str]
    way: ClassVar[Way]
    kinds: ClassVar[tuple[str, ...]]

    @classmethod
    def account_id(cls) -> str | None:
        """The account at the gateway that pays from now on; None where the site has none, and it isn't offered."""
        ...

    @classmethod
    def takes(cls, method: PayoutMethod | None) -> bool:
        """Could it pay there?"""
        ...

    @classmethod
    def open(cls, account_id: str) -> Self:
        """For an account that something was sent by, retired or not. Raises Unknown."""
        ...

    def send(self, instruction: Instruction) -> Reported:
        """Raises Refused (nothing was done), Unknown. The same instruction again is the same payment."""
        ...

    def find(self, key: str) -> Reported | None:
        """None if it knows of none. Raises Unknown."""
        ...

    def records(self, since: datetime) -> Iterator[Reported]:
        """All that it has of ours since then. Raises Unknown."""
        ...

    @staticmethod
    def is_destination(told: str, details: dict[str, str]) -> bool:
        """Is what it calls the destination what the method says?"""
        ...


def known() -> dict[str, type[Gateway]]:
    """{name: class}, in the order of the setting."""
    return {name: import_string(path) for name, path in settings.UPLINE_PAYOUT_GATEWAYS.items()}


def find_class(name: str) -> type[Gateway]:
    found: type[Gateway] = import_string(settings.UPLINE_PAYOUT_GATEWAYS[name])
    return found


def choose(method: PayoutMethod | None) -> str:
    """The name of what pays it."""
    for name, gateway in known().items():
        if method is not None and method.kind in gateway.kinds and gateway.account_id() is not None:
            return name if gateway.takes(method) else MANUAL
    return MANUAL


def offered_kinds() -> dict[str, str]:
    """{kind of method: gateway that pays it at this site}, for many at once."""
    found: dict[str, str] = {}
    for name, gateway in known().items():
        if gateway.kinds and gateway.account_id() is not None:
            for kind in gateway.kinds:
                found.setdefault(kind, name)
    return found
