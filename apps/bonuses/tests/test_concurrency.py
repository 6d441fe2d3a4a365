"""R22 and what else must hold when everybody comes at once: real threads, each with a connection of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from apps.bonuses import services
from apps.bonuses.models import Bonus, DailyCount, FirstEvent
from apps.bonuses.tests.factories import bid, make_rules, referred_by
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.referrals.tests.factories import make_partner
from apps.sites import registry
from apps.wallet import selectors as wallets
from apps.wallet.models import Deposit, Entry

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CLIENTS = 20


@pytest.fixture
def site_id():
    return registry.by_code("ALPHA").pk


def at_once(site_id, works):
    """Each work in a transaction of its own, `CLIENTS` at a time, the first of them at the same moment."""
    start = Barrier(CLIENTS)

    def run(mine):
        try:
            start.wait(timeout=20)
            given = []
            for work in mine:
                with site_context(site_id):
                    given.append(work())
            return given
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for part in pool.map(run, [works[n::CLIENTS] for n in range(CLIENTS)]) for one in part]


def test_200_parallel_events_of_one_referrer_make_exactly_the_cap(site_id):
    """R22. The other 190 are used up, and say why."""
    with site_context(site_id):
        make_rules()
        referrer = make_partner()
        people = referred_by(referrer, 200)

    made = at_once(site_id, [lambda person=person: bid(person) for person in people])

    assert len(made) == 200
    assert sum(one.bonus is not None for one in made) == 10
    assert [one.reason for one in made if one.bonus is None] == ["referrer_daily_cap"] * 190
    with site_context(site_id):
        assert Bonus.objects.count() == DailyCount.objects.get().n == 10
        assert FirstEvent.objects.filter(used_by="referrer_daily_cap").count() == 190


def test_200_parallel_calls_for_one_event_make_one_bonus(site_id):
    with site_context(site_id):
        make_rules()
        person = referred_by(make_partner())

    made = at_once(site_id, [lambda: bid(person)] * 200)

    assert sum(one.bonus is not None for one in made) == 1
    assert [one.reason for one in made if one.bonus is None] == ["already_used"] * 199
    with site_context(site_id):
        assert Bonus.objects.count() == FirstEvent.objects.count() == DailyCount.objects.get().n == 1


def test_parallel_bonuses_of_one_device_leave_exactly_two_unfrozen(site_id):
    with site_context(site_id):
        make_rules()
        people = [referred_by(make_partner()) for _ in range(40)]

    made = at_once(site_id, [lambda person=person: bid(person, device="d", ip="203.0.113.7") for person in people])

    states = [one.bonus.status for one in made]
    assert (states.count("pending"), states.count("frozen")) == (2, 38)


def test_a_bonus_credited_by_many_at_once_is_credited_once(site_id, monkeypatch):
    monkeypatch.setattr("apps.bonuses.services.crediting._verdicts", [])  # nobody has looked at it yet
    with site_context(site_id):
        make_rules({"type": "first_bid", "kind": "fixed", "value": 2_500, "auto_credit": True})
        referrer = make_partner()
        bonus = bid(referred_by(referrer)).bonus

    done = at_once(site_id, [lambda: services.credit_if_cleared(bonus)] * 40)

    assert done.count(True) == 1
    with site_context(site_id):
        assert Entry.objects.count() == 1
        assert wallets.wallet_summary(referrer.user_id).available == 2_500
        assert wallets.contradictions() == []


def test_a_refund_waits_for_the_bonus_of_its_deposit(site_id):
    """Else it would find no bonus yet, and the bonus would come for money that went back."""
    with site_context(site_id):
        make_rules()
        person = referred_by(make_partner())
        deposit = Deposit.objects.create(
            user=person.user, amount=100_000, currency="INR", status="paid", paid_at=timezone.now()
        )

    def refund():
        try:
            with site_context(site_id), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
                Deposit.objects.select_for_update(no_key=True).get(pk=deposit.pk)
            return "through"
        except OperationalError:
            return "waits"
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with site_context(site_id):
            services.reward_deposits([OutboxEvent(payload={"deposit_id": str(deposit.pk)})])
            assert Bonus.objects.filter(deposit=deposit).exists()
            assert pool.submit(refund).result() == "waits"
        assert pool.submit(refund).result() == "through"
