"""Fireblocks: a stablecoin that stands one to one for the site's currency, from the site's vault to the partner's address."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from apps.accounts.addresses import same_address
from apps.accounts.models import CryptoAddress
from apps.core.money import exponent
from apps.custody import gateways as custody
from apps.custody.models import CustodyAccount
from apps.custody.services import gateway_of
from apps.payouts.gateways import Instruction, Reported, Stage, Unknown, Way
from apps.payouts.models import PayoutMethod
from apps.sites.selectors import current_site, site_settings


class Fireblocks:
    label: ClassVar[str] = "Crypto"
    way: ClassVar[Way] = Way.OUTSIDE
    kinds: ClassVar[tuple[str, ...]] = ("crypto",)

    def __init__(self, custodian: custody.Gateway, asset: str, currency: str) -> None:
        self.custodian, self.asset, self.currency = custodian, asset, currency

    @classmethod
    def account_id(cls) -> str | None:
        """The vault, and the asset that is sent: both stay those that a payout began with."""
        asset = site_settings().payout_asset
        account = CustodyAccount.objects.filter(is_active=True).first() if asset else None
        return f"{account.vault_id}/{asset}" if account is not None else None

    @classmethod
    def takes(cls, method: PayoutMethod | None) -> bool:
        """An address of the asset's own network."""
        wanted = site_settings().payout_network
        if method is None or method.address_id is None:
            return False
        return CryptoAddress.objects.filter(pk=method.address_id, network=wanted).exists()

    @classmethod
    def open(cls, account_id: str) -> Self:
        account = CustodyAccount.objects.first()
        vault, _, asset = account_id.partition("/")
        if account is None or account.vault_id != vault:
            raise Unknown("The site has no such vault any more")
        return cls(gateway_of(account), asset, current_site().currency)

    def send(self, instruction: Instruction) -> Reported:
        told = self.custodian.send(
            custody.Instruction(
                external_tx_id=instruction.key, asset=self.asset, address=instruction.details["address"],
                tokens=Decimal(instruction.amount).scaleb(-exponent(instruction.currency)), note=instruction.note,
            )
        )  # fmt: skip
        return reported(told, self.currency)

    def find(self, key: str) -> Reported | None:
        told = self.custodian.find(key)
        return reported(told, self.currency) if told is not None else None

    def records(self, since: datetime) -> Iterator[Reported]:
        """The vault sends tokens too: those are another asset's."""
        return (reported(told, self.currency) for told in self.custodian.records(since) if told.asset == self.asset)

    @staticmethod
    def is_destination(told: str, details: dict[str, str]) -> bool:
        return same_address(told, details["address"])


def reported(told: custody.Reported, currency: str) -> Reported:
    """An amount that is no whole number of minor units is another than ours: below zero."""
    amount: int | None = None
    if told.tokens is not None:
        exact = told.tokens.scaleb(exponent(currency))
        amount = int(exact) if exact == exact.to_integral_value() else -1
    return Reported(
        provider_id=told.provider_id, key=told.external_tx_id, stage=Stage(told.stage.value), state=told.state, amount=amount,
        currency=currency, destination=told.address, reference=told.tx_hash or told.provider_id, failure=told.failure,
    )  # fmt: skip
