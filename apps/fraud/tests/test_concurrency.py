"""Everybody at once: real threads, each with a connection of its own (R5)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus
from apps.bonuses.tests.factories import deposit as report_deposit
from apps.bonuses.tests.factories import make_rules
from apps.core.errors import Conflict
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.fraud import services
from apps.fraud.models import Freeze, FreezeItem, Review, Signal, Trace
from apps.fraud.tests.test_reviews import notice
from apps.fraud.tests.test_signals import deposit, partner, sign_in
from apps.referrals.services import note_circle
from apps.referrals.tests.factories import make_partner
from apps.sites import registry
from apps.wallet import selectors as wallets

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site_id():
    return registry.by_code("ALPHA").pk


def at_once(site_id, works):
    """Each in a transaction of its own, all at the same moment. What is refused is its code."""
    start = Barrier(len(works))

    def run(work):
        try:
            start.wait(timeout=20)
            with site_context(site_id):
                return work()
        except Conflict as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def state():
    names = ("partner_id", "kind", "points", "evidence_key", "words", "other_id", "count", "first_seen", "last_seen")
    return (
        sorted(map(str, Signal.objects.values_list(*names))),
        sorted(map(str, Trace.objects.values_list("partner_id", "kind", "key", "first_seen", "last_seen"))),
        sorted(map(str, Review.objects.values_list("partner_id", "level", "score", "status"))),
    )


HANDLERS = {
    "partner.joined": services.follow_joined,
    "sign_in.begun": services.follow_sign_ins,
    "deposit.paid": services.follow_deposits,
    "partner.circle_refused": services.follow_circles,
}


def tell_story():
    """Rita brings Tom and Ann, who share a device with her, a mailbox and an address; and Rita tries a circle."""
    rita = partner("Rita", email="rita@example.com")
    tom = partner("Tom", rita, email="rita+tom@example.com", ip="203.0.113.7", device="phone-1", clicked_ago=1)
    ann = partner("Ann", tom, email="ann@mailinator.com")
    others = [partner(f"P{number}") for number in range(4)]
    for who in (rita, tom, ann, *others):
        sign_in(who, "203.0.113.7")
    for who in (rita, ann):
        deposit(who, device="phone-1", ip="203.0.113.7")
    note_circle(partner_id=rita.pk, reason="self_referral", actor=SYSTEM)
    note_circle(partner_id=rita.pk, reason="self_referral", actor=SYSTEM)


def events_of_fraud():
    return list(OutboxEvent.objects.filter(consumer="fraud", topic__in=HANDLERS).order_by("id"))


def test_news_three_times_in_parallel_and_shuffled_leave_the_same(site_id):
    with site_context(site_id):
        tell_story()
        events = events_of_fraud()
        for event in events:
            HANDLERS[event.topic]([event])
        expected = state()
        assert len(expected[0]) > 8
        assert {row[1] for row in Signal.objects.values_list("partner_id", "kind")} == {
            "aliased_email", "circular_sponsorship", "disposable_email", "fast_signup", "shared_address", "sponsor_device",
        }  # fmt: skip

    at_once(site_id, [lambda event=event: HANDLERS[event.topic]([event]) for event in events for _ in range(3)])

    with site_context(site_id):
        assert state() == expected


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_news_come_the_same_is_known(site_id, seed):
    """Two runs of one story at two sites can't be compared by ids, so one is forgotten and told again."""
    import random

    with site_context(site_id):
        tell_story()
        events = events_of_fraud()
        for event in events:
            HANDLERS[event.topic]([event])
        expected = known()

    registry_site = registry.by_code("BETA").pk
    with site_context(registry_site):
        tell_story_again()
        events = events_of_fraud()
        random.Random(seed).shuffle(events)
    at_once(registry_site, [lambda event=event: HANDLERS[event.topic]([event]) for event in events])

    with site_context(registry_site):
        assert known() == expected


def tell_story_again():
    """The same at another site, by other logins of the same names."""
    from apps.accounts.models import User

    for user in User.objects.filter(email__in=["rita@example.com", "rita+tom@example.com", "ann@mailinator.com"]):
        user.email = f"old-{user.pk}@example.org"
        user.save(update_fields=["email"])
    tell_story()


def known():
    rows = Signal.objects.select_related("partner__user", "other__user")
    return sorted(
        (
            row.partner.user.full_name, row.kind, row.points, row.words, row.count,
            row.other.user.full_name if row.other else "",
        )
        for row in rows
    ), sorted(Review.objects.values_list("partner__user__full_name", "level", "score"))  # fmt: skip


def test_two_who_come_with_the_same_at_one_moment_see_each_other(site_id):
    with site_context(site_id):
        people = [partner(f"P{number}") for number in range(6)]
        for who in people:
            deposit(who, ip="203.0.113.7")
        events = [event for event in events_of_fraud() if event.topic == "deposit.paid"]

    at_once(site_id, [lambda event=event: HANDLERS[event.topic]([event]) for event in events])

    with site_context(site_id):
        assert sorted(Signal.objects.values_list("kind", "count")) == [("shared_address", 6)] * 6


def test_two_freezes_at_once_are_one(site_id):
    with site_context(site_id):
        rita = make_partner()

    done = at_once(
        site_id, [lambda: services.freeze_partner(partner=rita, reason="x", actor=SYSTEM).status for _ in range(8)]
    )

    assert sorted(done) == ["active"] + ["invalid_state"] * 7
    with site_context(site_id):
        assert Freeze.objects.get().status == "active"
        assert FreezeItem.objects.filter(kind="partner").count() == 1


def test_a_review_cleared_by_many_at_once_is_cleared_once(site_id):
    with site_context(site_id):
        rita = make_partner()
        notice(rita, 100)
        make_rules()
        report_deposit(make_partner(rita))
        for event in OutboxEvent.objects.filter(consumer="fraud", topic="bonus.created"):
            services.follow_bonuses([event])
            event.done_at = event.created_at
            event.save(update_fields=["done_at"])
        review = Review.objects.get()
        assert Bonus.objects.get().status == "pending"

    done = at_once(
        site_id, [lambda: services.clear_review(review=review, reason="x", actor=SYSTEM).status for _ in range(8)]
    )

    assert sorted(done) == ["cleared"] + ["invalid_state"] * 7
    with site_context(site_id):
        assert Bonus.objects.get().status == "credited"
        assert wallets.wallet_summary(rita.user_id).available == 5_000


def test_cleared_by_one_and_confirmed_by_another_is_one_of_both(site_id):
    with site_context(site_id):
        notice(make_partner(), 100)
        review = Review.objects.get()
    acts = [services.clear_review, services.confirm_review] * 3

    done = at_once(site_id, [lambda act=act: act(review=review, reason="x", actor=SYSTEM).status for act in acts])

    with site_context(site_id):
        review.refresh_from_db()
        assert sorted(done, key=str) == sorted([review.status] + ["invalid_state"] * 5)
        assert Freeze.objects.count() == (review.status == "confirmed")


def test_deciding_while_more_is_noticed_waits_for_nobody_for_ever(site_id):
    """A review is locked before its signals by both: each signal is decided with it or opens the next, and none is lost."""
    with site_context(site_id):
        rita = make_partner()
        notice(rita, 20, "phone 0")
        review = Review.objects.get()
    again = [lambda number=number: notice(rita, 20 + number, "phone 0") for number in range(4)]
    more = [lambda number=number: notice(rita, 5, f"phone {number}") for number in range(1, 5)]
    clear = [lambda: services.clear_review(review=review, reason="x", actor=SYSTEM).status]

    done = at_once(site_id, [*again, *clear, *more])

    assert done.count("cleared") == 1
    with site_context(site_id):
        decided = sum(Signal.objects.filter(review=review).values_list("points", flat=True))
        review.refresh_from_db()
        assert (review.status, review.score) == ("cleared", decided)
        assert Signal.objects.count() == 5


def test_signals_of_one_partner_at_once_all_count(site_id):
    with site_context(site_id):
        rita = make_partner()

    at_once(site_id, [lambda number=number: notice(rita, 25, f"phone {number}") for number in range(8)])

    with site_context(site_id):
        assert (Review.objects.get().score, Review.objects.get().level) == (200, "freeze")
        assert Freeze.objects.count() == 1
