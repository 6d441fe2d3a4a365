"""Batches of payouts at NA, sent by Stripe Connect, and at HOSTING, paid by hand: one of each that waits, and one that is over.

As in tokens.py, Stripe is asked as in real use, and each step finds what an earlier run has done. All are of people below
partner@, whose own money stays as it is.
"""

from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.onboarding.demo.outside import Service, hear_stripe, tell
from apps.onboarding.demo.sites import DemoSite
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutBatch, PayoutMethod, PayoutTransfer
from apps.payouts.services import (
    add_method,
    approve_batch,
    approve_payout,
    book_results,
    close_batch,
    propose_batch,
    push_transfer,
    request_payout,
)
from apps.payouts.services.connecting import WayBack, begin_connecting, check_account, start_connecting
from apps.sites.selectors import site_settings
from apps.wallet.selectors import wallet_summary

CONNECT, BY_HAND = "NA", "HOSTING"


class Payers:
    def __init__(self, demo: DemoSite, site_id: UUID, services: list[Service], boss: User) -> None:
        self.demo, self.site_id, self.boss = demo, site_id, boss
        self.stripe = {service.name: service.url() for service in services}.get("stripe", "")

    def tell(self) -> None:
        if self.demo.code == CONNECT and self.stripe:
            self.tell_connect()
        elif self.demo.code == BY_HAND:
            self.tell_by_hand()

    # --- by Stripe -----------------------------------------------------------------------------------------------------------
    def tell_connect(self) -> None:
        """partner@ and another have accounts at Stripe; one batch has been sent there, another waits for its second person."""
        if self.batches() > 1:
            return
        payee = self.payees(1)[0]
        for user in (self.user("partner"), payee):
            self.connect(user)
        if self.batches() == 0:
            batch = self.send(self.ask([payee], half=True))
            self.push()
            with site_context(self.site_id):
                batch.refresh_from_db()
                close_batch(batch=batch, actor=self.user("manager"))
        if self.batches() == 1:
            self.propose(self.ask([payee]))

    def connect(self, user: User) -> None:
        """An account that is ready, as if they had filled in Stripe's pages."""
        with site_context(self.site_id):
            if ConnectAccount.objects.filter(method__user=user, state=ConnectAccount.State.READY).exists():
                return
            account = begin_connecting(user=user, details={})
            here = f"https://{self.demo.domain}/dashboard/payouts"
            call, finish = start_connecting(account, WayBack(here, here), lambda made: made)
        answer = call()
        with site_context(self.site_id):
            finish(answer)
            account.refresh_from_db()
        tell(f"{self.stripe}/_fake/accounts/{account.account_id}/fill_in", {"outcome": "ready"})
        hear_stripe(self.site_id, self.stripe)
        with site_context(self.site_id):
            ConnectAccount.objects.filter(pk=account.pk).update(check_at=timezone.now())
        check_account(site_id=self.site_id, account_pk=account.pk)

    def push(self) -> None:
        with site_context(self.site_id):
            ids = list(PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN).values_list("pk", flat=True))
        for pk in ids:
            push_transfer(site_id=self.site_id, transfer_id=pk)
        self.deliver()

    # --- by hand -------------------------------------------------------------------------------------------------------------
    def tell_by_hand(self) -> None:
        """One batch is over: its bank paid one and sent one back. Another waits for the bank."""
        if self.batches() > 1:
            return
        payees = self.payees(3)
        if self.batches() == 0:
            batch = self.send(self.ask(payees[:2]))
            with site_context(self.site_id):
                batch.refresh_from_db()
                first, second = Payout.objects.filter(batch_items__batch=batch).order_by("id")
                text = (
                    "ref,status,reference,reason\n"
                    f"{first.pk},paid,UTR2611270041,\n{second.pk},failed,,The bank knows no account of this number\n"
                )
                book_results(batch=batch, text=text, actor=self.user("manager"))
                close_batch(batch=batch, actor=self.user("manager"))
            self.deliver()
        if self.batches() == 1:
            self.send(self.ask(payees[2:]))

    # --- both ----------------------------------------------------------------------------------------------------------------
    def payees(self, number: int) -> list[User]:
        """Below partner@, those who earned most, the same each time; what is due of theirs is approved. Nobody who has only
        a crypto address: what they add now would rest."""
        with site_context(self.site_id):
            rows = Commission.objects.filter(kind="commission", status__in=("pending", "approved", "paid"))
            rows = rows.exclude(user=self.user("partner")).filter(hold_until__lte=timezone.now(), user__isnull=False)
            rows = rows.exclude(user_id__in=self.resting())
            earned: dict[UUID, int] = {}
            for user_id, amount in rows.values_list("user_id", "amount"):
                earned[user_id] = earned.get(user_id, 0) + amount
            best = sorted(earned, key=lambda pk: (-earned[pk], pk))[:number]
            due = rows.filter(user_id__in=best, status="pending").values_list("pk", flat=True)
            approve_commissions(ids=list(due), actor=self.user("manager"))
            found = {user.pk: user for user in User.objects.filter(pk__in=best)}
        self.deliver()
        return [found[pk] for pk in best]

    def resting(self) -> set[UUID]:
        kinds = dict(OwnMethod.objects.order_by("-id").values_list("user_id", "kind"))
        return {user_id for user_id, first in kinds.items() if first == PayoutMethod.Kind.CRYPTO}

    def ask(self, users: list[User], *, half: bool = False) -> list[Payout]:
        """Approved requests of what they have, to their newest method."""
        with site_context(self.site_id):
            asked = []
            for place, user in enumerate(users):
                if not OwnMethod.objects.filter(user=user).exists():
                    number = f"00012345{7000 + place}"
                    add_method(
                        user=user, kind="bank",
                        details={"account_holder": user.full_name, "account_number": number, "bank_code": "DEMO0001234"},
                    )  # fmt: skip
                free = wallet_summary(user.pk).available
                amount = max(free // 2, site_settings().payout_minimum) if half else free
                method = OwnMethod.objects.filter(user=user).exclude(kind="crypto").order_by("-id").first()
                payout = request_payout(user=user, amount=amount, method=method)
                asked.append(approve_payout(payout=payout, actor=self.user("payouts")))
        self.deliver()
        return asked

    def propose(self, payouts: list[Payout]) -> PayoutBatch:
        with site_context(self.site_id):
            batch = propose_batch(with_requests=True, with_available=False, actor=self.user("manager"))
        if batch.count != len(payouts):
            raise RuntimeError(f"{batch} would pay {batch.count}, not {len(payouts)}")
        return batch

    def send(self, payouts: list[Payout]) -> PayoutBatch:
        batch = self.propose(payouts)
        with site_context(self.site_id):
            approve_batch(batch=batch, actor=self.boss, seen=batch.digest)
        self.deliver()
        return batch

    def batches(self) -> int:
        with site_context(self.site_id):
            return PayoutBatch.objects.count()

    def deliver(self) -> None:
        while any(outbox.drain(self.site_id, consumer) for consumer in sorted(outbox.consumers())):
            continue

    def user(self, name: str) -> User:
        with site_context(self.site_id):
            return User.objects.get(email=f"{name}@{self.demo.domain}")
