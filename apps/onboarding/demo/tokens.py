"""Tokens that the demo's people bought here and were sent: paid at the fake Stripe, sent by the fake custodian.

Both are asked as in real use. Nothing listens for their events yet, so those of Stripe are read from its list and kept in the
inbox, and the custodian is asked until a transfer is as far as it is to be. Each step finds what an earlier run has done.
"""

import time
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.allocations.models import Allocation, Transfer
from apps.allocations.services import push_transfer, send_batch
from apps.core.tenancy import site_context
from apps.onboarding.demo.outside import Service, hear_stripe, tell
from apps.onboarding.demo.sites import DemoSite
from apps.orders.models import Order
from apps.orders.services import Item, place_order
from apps.payments.models import Payment
from apps.payments.services import start_payment
from apps.payouts.models import OwnMethod
from apps.payouts.services import add_method

NEEDED = ("stripe", "fireblocks")
SECONDS = 30.0
"""The fakes take a few; longer means that they don't run as they should."""

# Who buys what, whether they have said where to send it, and what the custodian makes of it: "" is not sent.
SALES = (
    ("partner", "tier-2", True, "COMPLETED"),
    ("p01", "tier-1", True, "COMPLETED"),
    ("p02", "tier-1", True, "FAILED"),
    ("p03", "tier-2", True, "PENDING_AUTHORIZATION"),
    ("p04", "tier-1", True, ""),
    ("p05", "tier-1", False, ""),
)


class Sales:
    """The token sales of one site, after its people have been told of (story.py) and it has accounts with both services."""

    def __init__(self, demo: DemoSite, site_id: UUID, services: list[Service]) -> None:
        self.demo, self.site_id = demo, site_id
        self.urls = {service.name: service.url() for service in services}

    def tell(self) -> None:
        if any(name not in self.urls for name in NEEDED):
            return
        for name, sku, has_address, _ in SALES:
            self.buy(name, sku)
            if has_address:
                self.say_where(name)
        self.hear_stripe()
        self.send()
        for name, _, _, ending in SALES:
            if ending:
                self.finish(name, ending)

    def buy(self, name: str, sku: str) -> None:
        with site_context(self.site_id):
            order = self.order_of(name)
            if order is not None and order.status != Order.Status.PENDING:
                return
            if order is None:
                order, payment = place_order(user=self.user(name), items=[Item(sku)])
            else:
                payment = Payment.objects.get(subject_id=order.pk)
            call, finish = start_payment(payment, lambda intent: intent)
        intent = call()
        with site_context(self.site_id):
            finish(intent)
        if intent.status != "succeeded":
            tell(f"{self.urls['stripe']}/_fake/payment_intents/{intent.id}/confirm", {})

    def say_where(self, name: str) -> None:
        """An address that is the same each time; a person has one for all sites."""
        with site_context(self.site_id):
            user = self.user(name)
            if not OwnMethod.objects.filter(user=user, kind="crypto").exists():
                number = 1 + sum(self.demo.code.encode()) * 1000 + len(SALES) * ord(name[-1])
                add_method(user=user, kind="crypto", details={"network": "ethereum", "address": f"0x{number:040x}"})

    def hear_stripe(self) -> None:
        """What the webhook would have been told. Stripe tells it again once we listen, and twice is once."""
        hear_stripe(self.site_id, self.urls["stripe"])

    def send(self) -> None:
        with site_context(self.site_id):
            buyers = [self.user(name).pk for name, _, _, ending in SALES if ending]
            owed = Allocation.objects.filter(
                order__user_id__in=buyers, status=Allocation.Status.PENDING, transfers__isnull=True
            )
            if ids := list(owed.order_by("id").values_list("pk", flat=True)):
                send_batch(allocation_ids=ids, actor=self.user("manager"))

    def finish(self, name: str, ending: str) -> None:
        """Have the custodian do it, and ask until it says so."""
        until = time.monotonic() + SECONDS
        while (transfer := self.open_transfer(name)) is not None:
            push_transfer(site_id=self.site_id, transfer_id=transfer.pk)
            with site_context(self.site_id):
                transfer.refresh_from_db()
            if transfer.provider_state == ending:
                return
            if transfer.provider_id is not None:
                why = {"subStatus": "INSUFFICIENT_FUNDS"} if ending == "FAILED" else {}
                url = f"{self.urls['fireblocks']}/_fake/transactions/{transfer.provider_id}"
                tell(url, {"status": ending, **why})
            if time.monotonic() > until:
                raise TimeoutError(f"{transfer} did not become {ending} at the custodian")

    def open_transfer(self, name: str) -> Transfer | None:
        """Due now, since nobody waits for the time to ask again here."""
        with site_context(self.site_id):
            rows = Transfer.objects.filter(allocation__order__user=self.user(name), status__in=Transfer.OPEN)
            rows.update(next_at=timezone.now())
            return rows.first()

    def order_of(self, name: str) -> Order | None:
        return Order.objects.filter(user=self.user(name), source=Order.Source.CHECKOUT).order_by("id").first()

    def user(self, name: str) -> User:
        return User.objects.get(email=f"{name}@{self.demo.domain}")
