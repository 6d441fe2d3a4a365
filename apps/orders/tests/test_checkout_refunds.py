"""Money of our own checkout that goes back after its commissions have moved on (X10), and everything at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from apps.accounts.models import Membership
from apps.audit.services import SYSTEM
from apps.catalogue.models import Product
from apps.catalogue.tests.factories import make_product
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import approve_all, make_plan
from apps.core import outbox
from apps.core.errors import Denied
from apps.core.tenancy import site_context
from apps.orders.models import Order, Refund, Service
from apps.orders.services import Item, ask_refund, drop_order, lapse_order, open_payment_of, place_order
from apps.orders.tests.test_checkout import API, members
from apps.payments import services as payments
from apps.payments.models import Payment, PaymentRefund
from apps.payments.tests import factories
from apps.payments.tests.factories import dispute_of, intent_of
from apps.rbac.services import give_affiliate_role
from apps.referrals.services import join
from apps.referrals.tests.factories import make_chain
from apps.sites.services import change_settings
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet

EARNED = [10_000, 5_000, 2_000, 1_000]


@pytest.fixture
def upline(site):
    """Nearest first; the fifth of the chain buys."""
    make_plan(*percent("0.10", "0.05", "0.02", "0.01"))
    make_product(sku="vps", price=100_000, inventory=5)
    *above, buyer = make_chain(5)
    return [*reversed(above)], buyer


@pytest.fixture
def bought(upline, shop, pay):
    """A paid order of 100,000."""
    order, payment = place_order(user=upline[1].user, items=[Item("vps")])
    call, finish = payments.start_payment(payment, lambda intent: intent)
    intent = finish(call())
    shop.pay(intent.id)
    return pay(order)


def pay_out(partner, *, settle=True):
    held = wallet.hold_earnings(user_id=partner.user_id, currency="INR", key=f"p-{partner.pk}", amount=None)
    if settle:
        wallet.settle_hold(user_id=partner.user_id, currency="INR", key=f"p-{partner.pk}", amount=held)


def own(level):
    rows = Commission.objects.filter(level=level).order_by("id")
    return list(rows.values_list("kind", "amount", "status"))


def pockets(partner):
    found = wallets.wallet_summary(partner.user_id)
    return found.available, found.held, found.owed


def test_back_in_part_then_whole_after_approval_and_payout_at_every_level(api, bought, upline, deliver, make_user):
    """Levels 1 and 3 were paid out, 4 waits in an open payout, 2 is approved."""
    (one, two, three, four), _ = upline
    staff, url = api(make_user(roles=["super_admin"])), f"{API}/orders/{bought.pk}/refunds"
    assert [row.amount for row in Commission.objects.order_by("level")] == EARNED
    approve_all()
    pay_out(one)
    pay_out(three)
    pay_out(four, settle=False)

    assert staff.post(url, {"external_id": "R-1", "amount": 25_000}).status_code == 201
    deliver()

    assert own(1)[1][:2] == ("clawback", -2_500)
    assert own(2) == [("commission", 3_750, "approved")]
    assert own(3)[1][:2] == ("clawback", -500)
    assert own(4)[1][:2] == ("clawback", -250)
    assert [pockets(each) for each in (one, two, three)] == [(0, 0, 2_500), (3_750, 0, 0), (0, 0, 500)]

    assert staff.post(url, {"external_id": "R-2"}).status_code == 201
    assert staff.post(url, {"external_id": "R-2"}).status_code == 200
    deliver()

    assert [sum(amount for _, amount, _ in own(level)) for level in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert own(2) == [("commission", 0, "reversed")]
    assert [pockets(each) for each in (one, two, three)] == [(0, 0, 10_000), (0, 0, 0), (0, 0, 2_000)]
    wallet.settle_hold(user_id=four.user_id, currency="INR", key=f"p-{four.pk}", amount=1_000)
    assert pockets(four) == (0, 0, 1_000)
    assert wallets.contradictions() == []


def test_a_dispute_lost_after_payout_is_owed_by_every_level(bought, upline, told, deliver):
    approve_all()
    for each in upline[0]:
        pay_out(each)

    told("charge.dispute.created", dispute_of(open_payment_of(bought)))
    told("charge.dispute.closed", dispute_of(open_payment_of(bought), status="lost"))
    told("charge.dispute.closed", dispute_of(open_payment_of(bought), status="lost"))

    assert [pockets(each) for each in upline[0]] == [(0, 0, earned) for earned in EARNED]
    bought.refresh_from_db()
    assert (bought.status, Refund.objects.count()) == ("refunded", 1)
    assert wallets.contradictions() == []


def at_once(*works):
    def run(work):
        try:
            return work()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def settle(site_id):
    while any(outbox.drain(site_id, consumer) for consumer in sorted(outbox.consumers())):
        pass


def say(fake, kind, found):
    return factories.send(Client(), factories.event(kind, found), secret=fake.secret)


@pytest.fixture
def committed(committed_shop, settings):
    settings.UPLINE_THROTTLE = False
    with site_context(committed_shop):
        make_product(sku="vps", price=10_000, inventory=5, period="month")
    return committed_shop


def ordered(site_id, client, **item):
    answer = client.post(f"{API}/orders", {"items": [{"sku": "vps", "quantity": 1, **item}]})
    assert answer.status_code == 201, answer.content
    with site_context(site_id):
        order = Order.objects.get(pk=answer.json()["id"])
        return order, open_payment_of(order)


def pay_at(fake, site_id, payment):
    fake.pay(payment.provider_id)
    with site_context(site_id):
        found = intent_of(payment)
    assert say(fake, "payment_intent.succeeded", found).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_cancelled_lapsed_and_paid_at_once(committed, stripe, _round):
    """Stripe decides; the unit is sold or back, once, and money for what was given up goes back."""
    (client,) = members(committed, 1)
    order, payment = ordered(committed, client)

    at_once(
        lambda: client.post(f"{API}/orders/{order.pk}/cancel", {}),
        lambda: lapse_order(site_id=committed, order_id=order.pk),
        lambda: pay_at(stripe, committed, payment),
        lambda: lapse_order(site_id=committed, order_id=order.pk),
        lambda: client.post(f"{API}/orders/{order.pk}/cancel", {}),
    )
    settle(committed)

    with site_context(committed):
        order.refresh_from_db()
        left, services = Product.objects.get().inventory, Service.objects.count()
        assert (order.status, left, services) in [("paid", 4, 1), ("cancelled", 5, 0)]
        payment.refresh_from_db()
        if payment.status == "succeeded" and order.status == "cancelled":
            assert payment.refunds.get().amount == 10_000


@pytest.mark.django_db(transaction=True)
def test_ten_refunds_at_once_give_back_once(committed, stripe):
    (client,) = members(committed, 1)
    order, payment = ordered(committed, client)
    pay_at(stripe, committed, payment)
    settle(committed)

    def refund(number):
        with site_context(committed):
            made, _ = ask_refund(order=Order.objects.get(pk=order.pk), external_id=f"R-{number}", actor=SYSTEM)
        payments.send_refund(site_id=committed, refund_id=made.pk)

    lost = lambda: say(stripe, "charge.dispute.closed", dispute_of(payment, amount=10_000, status="lost"))  # noqa: E731
    at_once(*[lambda number=number: refund(number) for number in range(9)], lost)
    settle(committed)

    with site_context(committed):
        order.refresh_from_db()
        assert (order.status, order.refunded_amount) == ("refunded", 10_000)
        assert PaymentRefund.objects.count() == 1
        assert sum(Refund.objects.values_list("amount", flat=True)) == 10_000
        assert Service.objects.get().status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_two_renewals_of_one_service_at_once_are_two_periods(committed, stripe):
    (client,) = members(committed, 1)
    _, first = ordered(committed, client)
    pay_at(stripe, committed, first)
    settle(committed)
    with site_context(committed):
        service = Service.objects.get()
    paid_for = [ordered(committed, client, renews=str(service.pk))[1] for _ in range(2)]

    at_once(*[lambda payment=payment: pay_at(stripe, committed, payment) for payment in paid_for])
    at_once(lambda: settle(committed), lambda: settle(committed))
    settle(committed)

    with site_context(committed):
        renewed = Service.objects.get()
        assert (renewed.cycles, (renewed.ends_at - service.ends_at).days in range(59, 63)) == (3, True)
        assert Payment.objects.filter(status="succeeded").count() == 3


@pytest.mark.django_db(transaction=True)
def test_whoever_is_given_a_fee_to_pay_can_pay_it(committed, stripe):
    """Pressed five times at once: one order, one payment, and no secret of one that was given up."""
    with site_context(committed):
        changes = {"activation": "required", "activation_fee": 49_900, "qualifying_categories": ["server"]}
        change_settings(changes=changes, actor=SYSTEM)
    (client,) = members(committed, 1)
    with site_context(committed):
        user = Membership.objects.get().user
        give_affiliate_role(user=user)
        assert join(user=user).status == "pending"

    answers = at_once(*[lambda: client.post(f"{API}/affiliate/subscribe", {"path": "paid"})] * 5)

    assert {answer.status_code for answer in answers} <= {201, 409, 503}, answers
    given = {answer.json()["order_id"] for answer in answers if answer.status_code == 201}
    with site_context(committed):
        orders = {str(order.pk): order.status for order in Order.objects.all()}
        assert {orders[pk] for pk in given} <= {"pending"}, orders
        assert list(orders.values()).count("pending") <= 1


@pytest.mark.django_db(transaction=True)
def test_a_call_that_failed_leaves_what_another_has_just_opened(committed, stripe):
    """Two requests open one payment; the one whose call failed waits for the other's word before it gives the order up."""
    list(members(committed, 1))
    with site_context(committed):
        buyer = Membership.objects.get().user
        order, payment = place_order(user=buyer, items=[Item("vps")])

    def give_up():
        with site_context(committed):
            drop_order(order=order)
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with site_context(committed):
            payments.record_intent(payment_id=payment.pk, intent_id="pi_opened")  # written, and not committed yet
            failed = pool.submit(give_up)
            time.sleep(0.3)
            assert not failed.done()
        failed.result(timeout=10)

    with site_context(committed):
        order.refresh_from_db()
        payment.refresh_from_db()
        assert (order.status, payment.status, payment.provider_id) == ("pending", "open", "pi_opened")
        assert Product.objects.get().inventory == 4


def test_staff_do_not_refund_what_they_bought(bought, upline):
    """Before Stripe is asked for anything."""
    with pytest.raises(Denied) as refused:
        ask_refund(order=bought, external_id="mine", actor=upline[1].user)

    assert refused.value.code == "own_order"
    assert not PaymentRefund.objects.exists()
