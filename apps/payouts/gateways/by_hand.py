"""A person pays: from the bank's own page, or by a file that the bank takes and one that it gives back."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Self

from apps.payouts.gateways import Instruction, Refused, Reported, Way
from apps.payouts.models import PayoutMethod


class NoCalls:
    """What calls nobody has nothing to ask."""

    kinds: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def account_id(cls) -> str | None:
        return ""

    @classmethod
    def takes(cls, method: PayoutMethod | None) -> bool:
        return True

    @classmethod
    def open(cls, account_id: str) -> Self:
        return cls()

    def send(self, instruction: Instruction) -> Reported:
        raise Refused("There is nobody to call.")

    def find(self, key: str) -> Reported | None:
        return None

    def records(self, since: datetime) -> Iterator[Reported]:
        return iter(())

    @staticmethod
    def is_destination(told: str, details: dict[str, str]) -> bool:
        return True


class Manual(NoCalls):
    label: ClassVar[str] = "By hand"
    way: ClassVar[Way] = Way.BY_HAND
    kinds: ClassVar[tuple[str, ...]] = ("bank", "upi", "manual")


class Wallet(NoCalls):
    """Into the partner's own funds, at once."""

    label: ClassVar[str] = "Into funds"
    way: ClassVar[Way] = Way.AT_ONCE
