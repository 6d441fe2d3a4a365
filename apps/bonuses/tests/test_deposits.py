"""Our own wallet's deposits: they are the event by themselves, and what their refunds take from the bonus."""

import pytest

from apps.bonuses import services
from apps.bonuses.models import Bonus, FirstEvent
from apps.bonuses.tests.factories import make_rules, referred_by
from apps.payments.tests.factories import charge_of
from apps.referrals.tests.factories import make_partner
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet
from apps.wallet.models import Deposit
from apps.wallet.services.deposits import payment_of
from apps.wallet.tests.conftest import bank, pay_in, told  # noqa: F401 - fixtures

URL = "/api/v1/wallet/deposits"


@pytest.fixture
def referrer(site):
    make_rules()
    return make_partner(name="Rita")


@pytest.fixture
def paid(api, bank, pay_in, referrer):  # noqa: F811
    """paid(amount) → the deposit of somebody Rita referred."""

    def run(amount=100_000, **more):
        person = referred_by(referrer)
        answer = api(person.user).post(URL, {"amount": amount, **more})
        assert answer.status_code == 201, answer.content
        return pay_in(Deposit.objects.get(pk=answer.json()["id"]))

    return run


def pockets(partner):
    found = wallets.wallet_summary(partner.user_id)
    return found.available, found.owed


def now(deposit):
    bonus = Bonus.objects.get(deposit=deposit)
    return bonus.status, bonus.reversed_amount


def give_back(told, deposit, total):  # noqa: F811
    told("charge.refunded", charge_of(payment_of(deposit), total))


def test_a_deposit_fires_the_event_by_itself_with_its_payers_device(paid, referrer, deliver):
    deposit = paid(device_id="phone-1")

    bonus = Bonus.objects.get()
    assert (bonus.status, bonus.amount, bonus.deposit, bonus.event_type) == (
        "credited", 5_000, deposit, "first_deposit",
    )  # fmt: skip
    assert (bonus.device_id, bonus.ip_address) == ("phone-1", "127.0.0.1")
    assert pockets(referrer) == (5_000, 0)


def test_a_small_deposit_leaves_the_event_for_the_next(paid):
    paid(49_999)

    assert Bonus.objects.count() == FirstEvent.objects.count() == 0


def test_a_refund_of_the_whole_deposit_reverses_the_bonus(paid, referrer, told):  # noqa: F811
    deposit = paid()

    give_back(told, deposit, 100_000)

    assert now(deposit) == ("reversed", 5_000)
    assert Bonus.objects.get().reason == "deposit_refunded"
    assert pockets(referrer) == (0, 0)
    services.follow_refund(Bonus.objects.get(), Deposit.objects.get())
    assert pockets(referrer) == (0, 0)
    assert wallets.contradictions() == []


def test_refunds_in_parts_take_in_proportion_until_the_minimum(paid, referrer, told):  # noqa: F811
    deposit = paid()

    give_back(told, deposit, 33_333)
    assert now(deposit) == ("credited", 1_667)
    assert pockets(referrer) == (3_333, 0)
    give_back(told, deposit, 50_001)

    assert now(deposit) == ("reversed", 5_000)
    assert pockets(referrer) == (0, 0)


def test_after_a_payout_it_is_owed_as_clawbacks_are(paid, referrer, told):  # noqa: F811
    deposit = paid()
    held = wallet.hold_earnings(user_id=referrer.user_id, currency="INR", key="p-1")
    wallet.settle_hold(user_id=referrer.user_id, currency="INR", key="p-1", amount=held)

    give_back(told, deposit, 100_000)

    assert now(deposit) == ("reversed", 5_000)
    assert pockets(referrer) == (0, 5_000)
    assert wallets.contradictions() == []


@pytest.mark.parametrize("state", ["pending", "approved", "frozen"])
def test_one_that_was_not_credited_is_rejected(paid, referrer, told, make_user, state):  # noqa: F811
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.05", "min_deposit": 50_000})
    deposit, clerk = paid(), make_user()
    bonus = Bonus.objects.get()
    if state == "approved":
        services.decide_bonus(bonus=bonus, status="approved", actor=clerk)
    if state == "frozen":
        services.freeze_bonus(bonus=bonus, actor=clerk)

    give_back(told, deposit, 100_000)

    assert now(deposit) == ("rejected", 5_000)
    assert pockets(referrer) == (0, 0)


def test_one_that_waits_is_worth_less_after_a_part(paid, referrer, told, make_user):  # noqa: F811
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.05"})
    deposit = paid()
    give_back(told, deposit, 20_000)

    services.decide_bonus(bonus=Bonus.objects.get(), status="credited", actor=make_user())

    assert now(deposit) == ("credited", 1_000)
    assert pockets(referrer) == (4_000, 0)
