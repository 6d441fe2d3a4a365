"""Deposits made elsewhere: a service reports them, and what of them goes back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.accounts.services import create_api_key
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus, FirstEvent, ReportedRefund
from apps.bonuses.services import report_refund
from apps.bonuses.tests.factories import deposit, make_rules, referred_by
from apps.core.tenancy import site_context
from apps.referrals.tests.factories import make_partner
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet
from apps.wallet.models import Deposit, Entry
from apps.wallet.tests.conftest import bank, pay_in, told  # noqa: F401 - fixtures

URL = "/api/v1/referral/events"


@pytest.fixture
def referrer(site):
    make_rules()
    return make_partner(name="Rita")


@pytest.fixture
def service(api, site):
    _, raw = create_api_key(name="auctions", scopes=["events.write"], actor=SYSTEM, access=None)
    return api(key=raw)


@pytest.fixture
def reported(service, referrer, deliver):
    """reported(amount) → the member whose first deposit `tx-1` it was; the bonus is credited."""

    def run(amount=100_000, **more):
        person = referred_by(referrer)
        body = {"user_id": str(person.user_id), "deposit_amount": amount, "wallet_transaction_id": "tx-1", **more}
        assert service.post(f"{URL}/first-deposit", body).status_code == 200
        deliver()
        return person

    return run


def gone_back(client, amount, **more):
    return client.post(f"{URL}/deposit-refunded", {"wallet_transaction_id": "tx-1", "refunded_amount": amount, **more})


def now():
    bonus = Bonus.objects.get()
    return bonus.status, bonus.reversed_amount


def pockets(partner):
    found = wallets.wallet_summary(partner.user_id)
    return found.available, found.owed


def test_a_whole_deposit_that_goes_back_reverses_its_bonus(service, reported, referrer):
    reported()
    assert pockets(referrer) == (5_000, 0)

    answer = gone_back(service, 100_000)

    assert answer.status_code == 200
    assert (answer.json()["applied"], answer.json()["bonus"]["status"]) == (True, "reversed")
    assert (now(), pockets(referrer)) == (("reversed", 5_000), (0, 0))
    event = AuditEvent.objects.get(action="bonus.reversed")
    assert (event.actor_kind, event.reason) == ("api_key", "deposit_refunded")


def test_the_same_report_again_moves_nothing(service, reported, referrer):
    reported()
    gone_back(service, 33_333, refund_id="r-1")

    again = gone_back(service, 33_333, refund_id="r-1")
    other = gone_back(service, 10_000, refund_id="r-1")

    assert again.json() == {"applied": False, "reason": "already_used"}
    assert (other.status_code, other.json()["code"]) == (409, "ref_conflict")
    assert (now(), pockets(referrer), ReportedRefund.objects.count()) == (("credited", 1_667), (3_333, 0), 1)


def test_refunds_in_parts_take_in_proportion_until_the_minimum(service, reported, referrer):
    reported()
    gone_back(service, 33_333, refund_id="r-1")
    assert now() == ("credited", 1_667)

    gone_back(service, 16_668, refund_id="r-2")

    assert (now(), pockets(referrer)) == (("reversed", 5_000), (0, 0))


def test_what_a_payout_has_is_owed(service, reported, referrer):
    reported()
    held = wallet.hold_earnings(user_id=referrer.user_id, currency="INR", key="p-1")
    wallet.settle_hold(user_id=referrer.user_id, currency="INR", key="p-1", amount=held)

    gone_back(service, 100_000)

    assert (now(), pockets(referrer)) == (("reversed", 5_000), (0, 5_000))
    assert wallets.contradictions() == []


def test_one_that_waits_is_rejected(service, referrer):
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.05", "min_deposit": 50_000})
    deposit(referred_by(referrer), ref="tx-1")

    assert gone_back(service, 100_000).json()["bonus"]["status"] == "rejected"
    assert now() == ("rejected", 5_000)


def test_more_than_was_deposited_is_refused_and_nothing_moves(service, reported, referrer):
    reported()
    gone_back(service, 20_000, refund_id="r-1")

    refused = gone_back(service, 80_001, refund_id="r-2")

    assert (refused.status_code, refused.json()["code"]) == (400, "refund_exceeds_deposit")
    assert (now(), pockets(referrer), ReportedRefund.objects.count()) == (("credited", 1_000), (4_000, 0), 1)


def test_a_deposit_without_bonus_is_kept_and_moves_nothing(service, referrer):
    answer = gone_back(service, 100_000)

    assert answer.json() == {"applied": False, "reason": "nothing_to_reverse"}
    assert (ReportedRefund.objects.count(), Entry.objects.count()) == (1, 0)


def test_a_fixed_bonus_stays_while_enough_of_the_deposit_does(service, referrer):
    make_rules({"type": "first_deposit", "kind": "fixed", "value": 700, "min_deposit": 50_000})
    deposit(referred_by(referrer), ref="tx-1")

    answer = gone_back(service, 50_000, refund_id="r-1").json()

    assert (answer["applied"], answer["reason"], answer["bonus"]["amount"]) == (False, "nothing_to_reverse", 700)
    assert now() == ("pending", 0)


def test_a_refund_that_is_reported_first_is_taken_into_account(service, referrer, reported):
    gone_back(service, 20_000, refund_id="r-1")
    reported()

    assert (now(), pockets(referrer)) == (("credited", 1_000), (4_000, 0))


def test_a_deposit_that_went_back_whole_before_it_was_reported_uses_nothing_up(service, referrer, reported):
    gone_back(service, 100_000)
    reported()

    assert Bonus.objects.count() == FirstEvent.objects.count() == 0


def test_a_deposit_of_our_own_wallet_is_not_reported(service, api, bank, pay_in, referrer):  # noqa: F811
    person = referred_by(referrer)
    paid = api(person.user).post("/api/v1/wallet/deposits", {"amount": 100_000}).json()["id"]
    pay_in(Deposit.objects.get(pk=paid))

    refused = gone_back(service, 100_000, wallet_transaction_id=paid)

    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")
    assert (now(), ReportedRefund.objects.count()) == (("credited", 0), 0)


def test_an_id_that_two_people_have_asks_whose(service, referrer):
    people = referred_by(referrer, 2)
    for person in people:
        deposit(person, ref="tx-1")

    refused = gone_back(service, 100_000)
    assert (refused.status_code, refused.json()["code"]) == (409, "deposit_ambiguous")
    assert set(Bonus.objects.values_list("reversed_amount", flat=True)) == {0}
    gone_back(service, 100_000, user_id=str(people[1].user_id))

    assert list(Bonus.objects.order_by("id").values_list("reversed_amount", flat=True)) == [0, 5_000]


@pytest.mark.parametrize("body", [{}, {"refunded_amount": 0}, {"refunded_amount": -5}, {"refunded_amount": "all"}])
def test_what_is_no_report_is_refused(service, reported, body):
    reported()

    assert service.post(f"{URL}/deposit-refunded", {"wallet_transaction_id": "tx-1"} | body).status_code == 400
    assert (now(), ReportedRefund.objects.count()) == (("credited", 0), 0)


def test_only_services_and_staff_report(api, make_user, reported):
    person = reported()
    clerk = make_user("clerk@example.com", roles=["affiliate_manager"], user_type="staff")

    assert gone_back(api(person.user), 100_000).status_code == 403
    assert gone_back(api(), 100_000).status_code == 401
    assert (now(), ReportedRefund.objects.count()) == (("credited", 0), 0)
    assert gone_back(api(clerk), 100_000).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_same_refund_from_twenty_at_once_counts_once(transactional_alpha):
    with site_context(transactional_alpha):
        make_rules()
        rita = make_partner(name="Rita")
        deposit(referred_by(rita), ref="tx-1")

    def report(_):
        try:
            with site_context(transactional_alpha):
                return report_refund(deposit_ref="tx-1", amount=40_000, refund_ref="r-1", actor=SYSTEM).applied
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(report, range(20)))

    assert applied.count(True) == 1
    with site_context(transactional_alpha):
        assert now() == ("pending", 2_000)
