"""What sends tokens. An operator adds one by a class that is made of Credentials and does what `Gateway` says, named in
`UPLINE_CUSTODY_GATEWAYS`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Unknown(Exception):
    """The custodian didn't answer, or not so that we know what it did: ask before anything is sent again."""


class Refused(Exception):
    """The custodian said no, so it has done nothing. Its text is for staff."""


class Stage(StrEnum):
    ON_ITS_WAY = "sent"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class Credentials:
    """What it takes to act for one site."""

    api_key: str = field(repr=False)
    private_key: str = field(repr=False)
    vault_id: str


@dataclass(frozen=True)
class Instruction:
    """What to send. `external_tx_id` is ours and the same for ever: by it the custodian knows a repetition."""

    external_tx_id: str
    asset: str
    tokens: Decimal
    address: str
    note: str


@dataclass(frozen=True)
class Reported:
    """What the custodian says of a transfer. None is what it didn't say."""

    provider_id: str
    external_tx_id: str
    stage: Stage
    state: str
    asset: str | None = None
    tokens: Decimal | None = None
    address: str | None = None
    tx_hash: str = ""
    failure: str = ""


class Gateway(Protocol):
    def send(self, instruction: Instruction) -> Reported:
        """Raises Refused, Unknown. The same instruction again is the same transfer."""
        ...

    def find(self, external_tx_id: str) -> Reported | None:
        """None if the custodian knows of none. Raises Unknown."""
        ...

    def records(self, since: datetime) -> Iterator[Reported]:
        """What it has of our vault since then. Raises Unknown."""
        ...


def plain(tokens: Decimal) -> str:
    """Without an exponent and without needless zeros: "12.5", "3"."""
    text = f"{tokens:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
