"""Stripe Connect: a transfer from the site's account to the partner's connected one."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar, Self, TypeVar

from apps.core.errors import DomainError
from apps.payments import services as payments
from apps.payments import transfers
from apps.payments.models import StripeAccount
from apps.payments.stripe_api import Credentials
from apps.payments.transfers import MadeTransfer
from apps.payouts.gateways import Instruction, Refused, Reported, Stage, Unknown, Way
from apps.payouts.models import PayoutMethod

T = TypeVar("T")


class StripeConnect:
    label: ClassVar[str] = "Stripe"
    way: ClassVar[Way] = Way.OUTSIDE
    kinds: ClassVar[tuple[str, ...]] = ("stripe_connect",)

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    @classmethod
    def account_id(cls) -> str | None:
        found = StripeAccount.objects.filter(is_active=True, retired_at=None).values_list("account_id", flat=True)
        return found.first()

    @classmethod
    def takes(cls, method: PayoutMethod | None) -> bool:
        return method is not None

    @classmethod
    def open(cls, account_id: str) -> Self:
        account = StripeAccount.objects.filter(account_id=account_id).first()
        if account is None:
            raise Unknown("The site has no such account at Stripe any more")
        return cls(payments.credentials(account))

    def send(self, instruction: Instruction) -> Reported:
        if not instruction.details.get("account_id"):
            raise Refused("Stripe has opened no account for this payout method")
        made = _asked(
            lambda: transfers.make_transfer(
                self.credentials, key=instruction.key, amount=instruction.amount, currency=instruction.currency,
                destination=instruction.details["account_id"],
                metadata={"payout_id": instruction.key, "payout": instruction.note},
            )
        )  # fmt: skip
        return reported(made)

    def find(self, key: str) -> Reported | None:
        made = _asked(lambda: transfers.find_transfers(self.credentials, key=key))
        return reported(made[0]) if made else None

    def records(self, since: datetime) -> Iterator[Reported]:
        made = transfers.transfers_since(self.credentials, since)
        while (one := _asked(lambda: next(made, None))) is not None:
            yield reported(one)

    @staticmethod
    def is_destination(told: str, details: dict[str, str]) -> bool:
        return told == details["account_id"]


def reported(made: MadeTransfer) -> Reported:
    """Stripe's transfer is done when it is made. One that went back in part has arrived, but for that part."""
    stage = Stage.REVERSED if made.reversed else Stage.COMPLETED
    state = "paid" if not made.reversed else "reversed" if made.reversed == made.amount else "partly reversed"
    return Reported(
        provider_id=made.id, key=made.key, stage=stage, state=state, amount=made.amount, currency=made.currency,
        destination=made.destination, reference=made.id, failure="Stripe took the transfer back" if made.reversed else "",
    )  # fmt: skip


def _asked(call: Callable[[], T]) -> T:
    try:
        return call()
    except DomainError as error:
        if transfers.is_refusal(error):
            raise Refused(error.message) from error
        raise Unknown(error.message) from error
