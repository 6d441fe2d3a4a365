"""AUCTION's deposits of our own: paid at the fake Stripe, one of them given back, so that its bonus is reversed.

As in tokens.py, what Stripe says is read from its list of events, and each step finds what an earlier run has done.
"""

from uuid import UUID

from apps.accounts.models import User
from apps.core.tenancy import site_context
from apps.onboarding.demo.outside import Service, hear_stripe, tell
from apps.onboarding.demo.sites import DemoSite
from apps.onboarding.services import Newcomer, register
from apps.payments.services import start_payment, start_refund
from apps.referrals.models import Partner
from apps.wallet.models import Deposit
from apps.wallet.services import ask_deposit_refund, open_deposit

# Who pays in how much, and whether all of it goes back.
DEPOSITORS = (("saver1", "Nalini Rao", 120_000, False), ("saver2", "Prakash Jain", 90_000, True))


class Deposits:
    def __init__(self, demo: DemoSite, site_id: UUID, services: list[Service], password: str) -> None:
        self.demo, self.site_id, self.password = demo, site_id, password
        self.stripe = {service.name: service.url() for service in services}.get("stripe", "")

    def tell(self) -> None:
        if not self.stripe:
            return
        for name, full_name, amount, _ in DEPOSITORS:
            self.pay(name, full_name, amount)
        hear_stripe(self.site_id, self.stripe)
        for name, _, _, goes_back in DEPOSITORS:
            if goes_back:
                self.give_back(name)
        hear_stripe(self.site_id, self.stripe)

    def pay(self, name: str, full_name: str, amount: int) -> None:
        """A member whom partner@ brought, with a phone of their own."""
        with site_context(self.site_id):
            if self.deposit_of(name) is not None:
                return
            sponsor = Partner.objects.get(user__email=f"partner@{self.demo.domain}")
            email = f"{name}@{self.demo.domain}"
            user, _ = register(
                Newcomer(email=email, password=self.password, full_name=full_name, referral_code=sponsor.code)
            )
            _, payment = open_deposit(
                user=user, amount=amount, device_id=f"{name}-phone", ip_address=f"198.51.100.{200 + len(full_name)}"
            )
            call, finish = start_payment(payment, lambda intent: intent)
        intent = call()
        with site_context(self.site_id):
            finish(intent)
        tell(f"{self.stripe}/_fake/payment_intents/{intent.id}/confirm", {})

    def give_back(self, name: str) -> None:
        with site_context(self.site_id):
            deposit = self.deposit_of(name)
            if deposit is None or deposit.status != Deposit.Status.PAID:
                return
            manager = User.objects.get(email=f"manager@{self.demo.domain}")
            refund, _ = ask_deposit_refund(
                deposit=deposit, external_id="D-1", reason="Asked for by the bidder.", actor=manager
            )
            call, finish = start_refund(refund, lambda: None)
        answer = call()
        with site_context(self.site_id):
            finish(answer)

    def deposit_of(self, name: str) -> Deposit | None:
        return Deposit.objects.filter(user__email=f"{name}@{self.demo.domain}").order_by("id").first()
