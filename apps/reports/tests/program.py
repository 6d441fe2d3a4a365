"""A program as it goes, at random: what its books say at any instant is for the tests to check."""

import random
from decimal import Decimal

from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.bonuses.services import apply_first_event, set_rule
from apps.bonuses.services.applying import first_bid
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.services import approve_commission, reject_commission
from apps.commissions.tests.factories import make_order, make_plan, refund_order
from apps.core import outbox
from apps.core.errors import Conflict
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutBatch, PayoutMethod
from apps.payouts.services import (
    add_method,
    approve_batch,
    approve_payout,
    book_results,
    process_payout,
    propose_batch,
    reject_payout,
    request_payout,
    retry_payout,
)
from apps.payouts.services.bank_files import by_hand
from apps.payouts.services.events import take_stripe_transfer
from apps.payouts.tests.factories import push_all
from apps.rbac.models import Role
from apps.rbac.services import assign_role
from apps.referrals.tests.factories import make_partner
from apps.sites.models import SiteSettings
from apps.wallet.models import Balance, Deposit
from apps.wallet.services import open_deposit, transfer_to_funds
from apps.wallet.services.deposits import DepositPayments, payment_of
from apps.wallet.tests.factories import give_earnings


class Story:
    """Random things happen, each committed by itself. `top` is paid by Stripe, `lower` would be, had its account not been closed
    there; `middle` has no method: by hand when it asks, into funds in a batch."""

    rejects = 0.3

    def __init__(self, site_id, seed, fake_stripe):
        self.site_id, self.draw, self.fake_stripe = site_id, random.Random(seed), fake_stripe
        with site_context(site_id):
            make_plan(
                Rule("server", 1, Kind.PERCENT, Decimal("0.2"), None),
                Rule("server", 2, Kind.PERCENT, Decimal("0.07"), None),
                Rule("server", 3, Kind.PERCENT, Decimal("0.03"), None),
            )
            SiteSettings.objects.update(payout_without_method=SiteSettings.WithoutMethod.WALLET)
            self.top = make_partner()
            self.middle = make_partner(sponsor=self.top)
            self.lower = make_partner(sponsor=self.middle)
            self.buyer = make_partner(sponsor=self.lower)
            for partner, account in ((self.top, "acct_topmost"), (self.lower, "acct_closedone")):
                made = add_method(
                    user=partner.user, kind=PayoutMethod.Kind.STRIPE_CONNECT, details={"account_id": account}
                )
                ConnectAccount.objects.create(method_id=made.pk, account_id=account, state=ConnectAccount.State.READY)
            self.staff = [self.person(role) for role in ("affiliate_manager", "payout_manager")]
            rule = {"kind": "percent", "value": "0.05", "auto_credit": True, "actor": SYSTEM}
            set_rule(type="first_deposit", **rule)
            set_rule(type="first_bid", **rule)

    def all_ends(self):
        """Acts after which every way of a payout has been walked to its end, and something is owed."""
        return [
            self.sell, self.approve_all, self.bank, self.credit, self.batch, self.push, self.push,
            self.sell, self.approve_all, self.credit,
            *[self.pay, self.push] * 10, self.refund_all,
        ]  # fmt: skip

    def approve_all(self):
        for commission in Commission.objects.filter(status="pending"):
            approve_commission(commission=commission, actor=SYSTEM)

    def credit(self):
        """More than any of them may owe by now; from here on nobody's payout is rejected."""
        self.rejects = 0.0
        for partner in (self.top, self.middle, self.lower):
            give_earnings(partner.user, 10_000_000)

    def refund_all(self):
        for order in Order.objects.exclude(status="refunded").order_by("id"):
            refund_order(order, order.rest)

    def happen(self, doing=None):
        doing = doing or self.draw.choice(
            [
                self.sell,
                self.sell,
                self.refund,
                self.approve,
                self.approve,
                self.reject,
                self.pay,
                self.pay,
                self.batch,
                self.bank,
                self.push,
                self.push,
                self.take_back,
                self.retry,
                self.save,
                self.deposit,
                self.give_back,
                self.reward,
            ]
        )
        if doing == self.push:
            push_all(self.site_id)
        else:
            with site_context(self.site_id):
                doing()
        while any(outbox.drain(self.site_id, consumer) for consumer in sorted(outbox.consumers())):
            continue

    def sell(self):
        make_order(self.buyer, ("server", self.draw.randint(100, 99_999)))

    def refund(self):
        order = self.one_of(Order.objects.exclude(status="refunded").order_by("id"))
        if order is not None:
            refund_order(order, self.draw.randint(1, order.rest))

    def pending(self):
        return self.one_of(Commission.objects.filter(status="pending").order_by("order_id", "level"))

    def one_of(self, rows):
        found = list(rows)
        return self.draw.choice(found) if found else None

    def approve(self):
        if (commission := self.pending()) is not None:
            approve_commission(commission=commission, actor=SYSTEM)

    def reject(self):
        if self.draw.random() < 0.4 and (commission := self.pending()) is not None:
            reject_commission(commission=commission, reason="Doubtful", actor=SYSTEM)

    def pay(self):
        for partner in (self.top, self.middle, self.lower):
            open_one = Payout.objects.filter(user=partner.user, status__in=Payout.OPEN).first()
            if open_one is None:
                if self.balance(partner.user, "earnings"):
                    request_payout(user=partner.user, method=OwnMethod.objects.filter(user=partner.user).first())
            elif open_one.status == "requested":
                decide = (
                    approve_payout
                    if self.draw.random() >= self.rejects
                    else lambda **at: reject_payout(reason="No", **at)
                )
                decide(payout=open_one, actor=SYSTEM)
            elif open_one.status == "approved":
                process_payout(payout=open_one, actor=SYSTEM)

    def push(self):
        """What is open at a gateway gets on by a step."""

    def batch(self):
        try:
            batch = propose_batch(with_requests=True, with_available=True, actor=self.staff[0])
        except Conflict:  # nobody to pay
            return
        if batch.count:
            approve_batch(batch=batch, actor=self.staff[1], seen=batch.digest)

    def bank(self):
        """The bank says what became of what a batch had it pay by hand."""
        for batch in PayoutBatch.objects.filter(status__in=["running", "sent"]).order_by("id"):
            rows = [
                f"{row.pk},paid,N-{row.number},"
                if self.draw.random() >= self.rejects
                else f"{row.pk},failed,,No such account"
                for row in by_hand(batch)
            ]
            if rows:
                book_results(batch=batch, text="\n".join(["ref,status,reference,reason", *rows]), actor=self.staff[0])

    def take_back(self):
        """Stripe says that a transfer came back after it had arrived: a person looks, and nothing moves."""
        held = self.fake_stripe.server.store.listed("acct_ALPHA", "transfer", limit=1000)
        if held:
            made = self.draw.choice(held)
            take_stripe_transfer(made | {"amount_reversed": made["amount"], "reversed": True}, "acct_ALPHA")

    def retry(self):
        """A failed one again, where nothing else is under way for them."""
        failed = Payout.objects.filter(status="failed", retries=None).order_by("id").first()
        if failed is None or Payout.objects.filter(user=failed.user, status__in=Payout.OPEN).exists():
            return
        if self.balance(failed.user, "earnings") >= failed.amount:
            retry_payout(payout=failed, actor=self.staff[0])

    @staticmethod
    def person(role):
        user = User.objects.create_user(email=f"{role}@example.com", password=None)
        Membership.objects.create(user=user, user_type="staff")
        assign_role(user=user, role=Role.objects.get(key=role), actor=SYSTEM, access=None)
        return user

    def save(self):
        if available := self.balance(self.middle.user, "earnings"):
            transfer_to_funds(user_id=self.middle.user.pk, amount=self.draw.randint(1, available), currency="INR")

    def deposit(self):
        """Somebody new below the middle, whom it earns a bonus; or the buyer again."""
        payer = self.draw.choice([self.buyer, make_partner(sponsor=self.middle)])
        _, payment = open_deposit(user=payer.user, amount=self.draw.randint(100, 99_999))
        payment.advance(to="succeeded")
        payment.succeeded_at = timezone.now()
        payment.save(update_fields=["status", "succeeded_at"])
        DepositPayments().paid(payment)

    def give_back(self):
        """As Stripe tells it, whether it was spent or not; the bonus goes back with it."""
        found = self.one_of(Deposit.objects.filter(status__in=Deposit.REFUNDABLE).order_by("id"))
        if found is not None:
            back = self.draw.randint(1, found.rest)
            about = {"amount": back, "external_id": f"re-{found.refunded_amount}", "reason": "Back"}
            DepositPayments().refunded(payment_of(found), **about)

    def reward(self):
        person = make_partner(sponsor=self.top)
        bid = first_bid(
            user_id=person.user_id, ref="b", amount=self.draw.randint(100, 99_999), device_id="", ip_address=""
        )
        apply_first_event(thing=bid, actor=SYSTEM)

    @staticmethod
    def balance(user, kind):
        found = Balance.objects.filter(account__user=user, account__kind=kind).first()
        return found.balance if found else 0
