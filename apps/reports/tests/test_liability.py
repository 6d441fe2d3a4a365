"""What was owed at any instant of the past equals what was owed then (X9)."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.bonuses.services import apply_first_event, set_rule
from apps.bonuses.services.applying import first_bid
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.services import approve_commission, reject_commission
from apps.commissions.tests.factories import make_order, make_plan, refund_order
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.payments.tests.factories import make_account
from apps.payouts.models import Payout
from apps.payouts.services import approve_payout, process_payout, reject_payout, request_payout
from apps.referrals.tests.factories import make_partner
from apps.reports.selectors import liability
from apps.wallet.models import Balance, Deposit
from apps.wallet.services import open_deposit, transfer_to_funds
from apps.wallet.services.deposits import DepositPayments, payment_of

URL = "/api/v1/admin/analytics/liability"


@pytest.fixture
def analyst(api, make_user):
    return api(make_user("analyst@example.com", roles=["affiliate_manager"], user_type="staff"))


class Story:
    """A program as it goes: random things happen, each committed by itself."""

    def __init__(self, site_id, seed):
        self.site_id, self.draw = site_id, random.Random(seed)
        with site_context(site_id):
            make_plan(
                Rule("server", 1, Kind.PERCENT, Decimal("0.2"), None),
                Rule("server", 2, Kind.PERCENT, Decimal("0.07"), None),
            )
            self.top = make_partner()
            self.middle = make_partner(sponsor=self.top)
            self.buyer = make_partner(sponsor=self.middle)
            make_account()
            rule = {"kind": "percent", "value": "0.05", "auto_credit": True, "actor": SYSTEM}
            set_rule(type="first_deposit", **rule)
            set_rule(type="first_bid", **rule)

    def happen(self):
        doing = self.draw.choice(
            [
                self.sell,
                self.sell,
                self.refund,
                self.approve,
                self.approve,
                self.reject,
                self.pay,
                self.save,
                self.deposit,
                self.give_back,
                self.reward,
            ]
        )
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
        for partner in (self.top, self.middle):
            open_one = Payout.objects.filter(user=partner.user, status__in=Payout.OPEN).first()
            if open_one is None:
                if self.balance(partner.user, "earnings"):
                    request_payout(user=partner.user)
            elif open_one.status == "requested":
                decide = approve_payout if self.draw.random() < 0.7 else lambda **at: reject_payout(reason="No", **at)
                decide(payout=open_one, actor=SYSTEM)
            else:
                process_payout(payout=open_one, actor=SYSTEM)

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


def now_from_the_raw_rows(site_id):
    """(instant, figures) by the balances, commissions and payouts of this moment."""
    with site_context(site_id):
        pockets = dict(Balance.objects.order_by().values_list("account__kind").annotate(Sum("balance")))
        pending = Commission.objects.filter(status="pending").aggregate(Sum("amount"))["amount__sum"] or 0
        paid = Payout.objects.filter(status="completed").aggregate(Sum("amount"))["amount__sum"] or 0
        figures = {
            "held": pending,
            "payable": pockets.get("earnings", 0),
            "in_flight": pockets.get("held", 0),
            "paid": paid,
            "funds": pockets.get("funds", 0),
            "clawed_back": -pockets.get("owed", 0),
        }
    return timezone.now(), figures


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_every_instant_is_remembered_as_it_was(transactional_alpha, seed):
    story = Story(transactional_alpha, seed)
    moments = [now_from_the_raw_rows(transactional_alpha)]
    for _ in range(120):
        story.happen()
        moments.append(now_from_the_raw_rows(transactional_alpha))

    with site_context(transactional_alpha):
        told = [(at, liability(at=at)[0]) for at, _ in moments]

    for (_, then), (_, now) in zip(moments, told, strict=True):
        assert {name: getattr(now, name) for name in then} == then
        assert now.agrees
    happened = {name for _, figures in moments for name, amount in figures.items() if amount}
    assert happened == {"held", "payable", "in_flight", "paid", "funds", "clawed_back"}


def test_over_the_api(site, analyst):
    answer = analyst.get(URL)

    assert answer.status_code == 200
    body = answer.json()
    assert {"at", "currency", "held", "payable", "in_flight", "paid", "clawed_back", "ledger", "agrees"} <= set(body)
    assert (body["currency"], body["ledger"], body["agrees"]) == ("INR", 0, True)
    assert [row["currency"] for row in body["currencies"]] == ["INR"]


def test_a_plain_date_is_its_end_and_a_moment_is_itself(site, analyst):
    today = timezone.now().date()

    assert (
        analyst.get(f"{URL}?at={today - timedelta(days=2)}")
        .json()["at"]
        .startswith(f"{today - timedelta(days=2)}T23:59:59")
    )
    assert analyst.get(f"{URL}?at={today}").status_code == 200
    assert analyst.get(f"{URL}?at=2026-01-31T18:00:00%2B05:30").json()["at"] == "2026-01-31T12:30:00Z"
    assert analyst.get(f"{URL}?at=2026-01-31T18:00:00+05:30").json()["at"] == "2026-01-31T12:30:00Z"


@pytest.mark.parametrize(
    "at", ["soon", "2026-13-01", "2199-01-01", "2199-01-01T00:00:00Z", "1850-01-01", "2026-01-31T18:00", "", "%00"]
)
def test_what_is_no_past_moment_is_400(site, analyst, at):
    answer = analyst.get(f"{URL}?at={at}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "at")


def test_partners_may_not_ask(site, api):
    assert api(make_partner().user).get(URL).status_code == 403
