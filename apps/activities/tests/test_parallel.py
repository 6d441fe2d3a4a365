"""A hundred at once on funds for thirty-seven: exactly so many files and charges, and the books agree (W3)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.accounts.models import Membership, User
from apps.activities import services
from apps.activities.models import Activity, ActivityFile
from apps.activities.tests.factories import give_funds, make_enterprise, make_sub_user, offer
from apps.core.errors import DomainError
from apps.core.tenancy import site_context
from apps.wallet.models import Entry
from apps.wallet.selectors import contradictions, wallet_summary

pytestmark = pytest.mark.django_db(transaction=True)


def run_all(site_id, users, clients=16):
    """Each of `users` runs one report, `clients` at a time. Returns how each ended."""
    gate = threading.Barrier(clients)

    def one(number_and_user):
        number, user = number_and_user
        if number < clients:
            gate.wait(timeout=30)
        try:
            with site_context(site_id):
                services.run_activity(user=user, type="report_generation", params={"format": "xlsx"})
            return "done"
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(one, enumerate(users)))


def test_a_hundred_acts_on_funds_for_thirty_seven(transactional_alpha):
    with site_context(transactional_alpha):
        offer(report=1000)
        ann = User.objects.create_user(email="ann@example.com", password=None)
        Membership.objects.create(user=ann)
        give_funds(ann, 37_999)

    ended = run_all(transactional_alpha, [ann] * 100)

    assert {code: ended.count(code) for code in set(ended)} == {"done": 37, "insufficient_funds": 63}
    with site_context(transactional_alpha):
        assert (Activity.objects.count(), ActivityFile.objects.count()) == (37, 37)
        assert Entry.objects.filter(kind="activity").count() == 37
        assert wallet_summary(ann.pk).funds == 999
        assert contradictions() == []


def test_a_limit_holds_under_parallel_acts_of_one_sub_user(transactional_alpha):
    with site_context(transactional_alpha):
        offer(report=1000)
        firm = make_enterprise(funds=100_000)
        limited, free = make_sub_user(firm, spending_limit=7999), make_sub_user(firm, "two@example.com")

    ended = run_all(transactional_alpha, [limited.user, free.user] * 20)

    assert ended.count("spending_limit_exceeded") == 13
    with site_context(transactional_alpha):
        assert Activity.objects.filter(user=limited.user).count() == 7
        assert Activity.objects.filter(user=free.user).count() == 20
        assert wallet_summary(firm.user_id).funds == 100_000 - 27_000
        assert contradictions() == []


def test_one_long_report_is_made_by_one_of_many_workers(transactional_alpha, monkeypatch):
    from apps.activities.services import running

    monkeypatch.setattr(running, "AT_ONCE", 1)
    with site_context(transactional_alpha):
        offer(report=1000)
        ann = User.objects.create_user(email="ann@example.com", password=None)
        Membership.objects.create(user=ann)
        for _ in range(3):
            give_funds(ann, 1000)
        activity = services.run_activity(user=ann, type="report_generation", params={"format": "xlsx"})

    def work(_):
        try:
            return services.finish(site_id=transactional_alpha, activity_id=activity.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(work, range(8)))

    assert sorted(ended) == [""] * 7 + ["completed"]
    with site_context(transactional_alpha):
        assert ActivityFile.objects.count() == 1
        assert wallet_summary(ann.pk).funds == 2000
