"""From what happens to what people read: the inbox, the mail, the day's digest, once each (issue: notifications)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import SignIn
from apps.accounts.services import change_password
from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus
from apps.bonuses.services import decide_bonus
from apps.bonuses.tests.factories import bid, make_rules, referred_by
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan
from apps.core import outbox
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.notifications import selectors, services
from apps.notifications.models import Mail, Notification
from apps.notifications.services import hearing
from apps.notifications.words import said
from apps.orders.tests.factories import refund_order
from apps.payouts.services import add_method, request_payout
from apps.referrals.tests.factories import make_chain, make_partner
from apps.wallet.tests.factories import give_earnings

PASSWORD = "correct horse battery"


def inbox(user):
    return [said(row.kind, row.params, "en").title for row in selectors.inbox_of(user)]


def test_a_sponsor_reads_who_joined_and_what_they_earned_once_per_order(site, deliver, plan):
    rita = make_partner(name="Rita")
    ben = make_partner(rita, name="Ben Okri")
    deliver()
    make_order(ben, ("server", 100_000), ("domain", 50_000))
    deliver()

    assert inbox(rita.user) == ["You earned ₹150.00", "Ben Okri joined your team"]
    assert inbox(ben.user) == []
    earned = Notification.objects.get(kind="commission")
    assert earned.params == {"count": 2, "amount": 15_000, "currency": "INR"}


def test_ten_commissions_approved_together_are_one_news(site, deliver, plan):
    rita = make_partner(name="Rita")
    ben = make_partner(rita)
    for _ in range(10):
        make_order(ben, ("server", 100_000))
    deliver()
    approve_commissions(ids=list(Commission.objects.values_list("pk", flat=True)), actor=SYSTEM)
    deliver()

    (approved,) = Notification.objects.filter(kind="approved")
    assert (approved.user, approved.params) == (rita.user, {"count": 10, "amount": 100_000, "currency": "INR"})


def test_a_refunded_order_and_a_credited_bonus_are_told(site, deliver, plan, make_user):
    make_rules({"type": "first_bid", "kind": "fixed", "value": 2_500})
    rita = make_partner(name="Rita")
    ben = referred_by(rita)
    order = make_order(ben, ("server", 100_000))
    deliver()
    refund_order(order)
    bid(ben)
    decide_bonus(bonus=Bonus.objects.get(), status="credited", actor=make_user())
    deliver()

    assert set(inbox(rita.user)) >= {"Commissions were taken back", "A bonus of ₹25.00"}


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("requested", "Payout of ₹300.00 requested"), ("approved", "Payout of ₹300.00 approved"),
        ("processing", "Payout of ₹300.00 on its way"), ("completed", "Payout of ₹300.00 paid"),
        ("failed", "Payout of ₹300.00 failed"), ("rejected", "Payout of ₹300.00 rejected"),
        ("cancelled", "Payout of ₹300.00 cancelled"),
    ],
)  # fmt: skip
def test_each_state_of_a_payout_is_told_once_and_mailed(site, deliver, send, mailoutbox, status, title):
    rita = make_partner(name="Rita")
    give_earnings(rita.user, 30_000)
    payout = request_payout(user=rita.user)
    deliver()
    for number in range(2):
        payload = {"payout_id": str(payout.pk), "status": status, "before": ""}
        outbox.publish("payout.changed", key=f"{payout.pk}:{status}:{number}", payload=payload)
    deliver()
    send()

    assert inbox(rita.user).count(title) == 1
    assert [mail.subject for mail in mailoutbox].count(title) == 1


def test_a_payout_method_and_a_password_are_security_news(site, deliver, send, mailoutbox, make_user):
    ann = make_user("ann@example.com", password=PASSWORD)
    method = add_method(user=ann, kind="upi", details={"vpa": "ann@upi"})
    payload = {"method_id": str(method.pk), "user_id": str(ann.pk), "kind": "upi"}
    outbox.publish("payout_method.added", key=f"test-{method.pk}", payload=payload)
    change_password(user=ann, old_password=PASSWORD, new_password="another horse battery")
    deliver()
    send()

    assert set(inbox(ann)) == {"A payout method was added", "Your password was changed"}
    assert sorted(mail.subject for mail in mailoutbox) == ["A payout method was added", "Your password was changed"]
    assert "tell the people who run Alpha" in mailoutbox[0].body
    assert "List-Unsubscribe" not in mailoutbox[0].extra_headers


def signed_in(user, ip, agent):
    row = SignIn.objects.create(
        user=user, kind="browser", version=1, expires_at=timezone.now() + timedelta(days=1), ip=ip, user_agent=agent
    )
    hearing.sign_in_begun([OutboxEvent(payload={"sign_in_id": str(row.pk)})])
    return Notification.objects.filter(user=user).count()


def test_a_sign_in_from_an_unknown_device_or_network_is_told(site, make_user):
    ann, firefox, chrome = make_user("ann@example.com"), "Mozilla Firefox/140 Windows", "Mozilla Chrome/130 Android"

    assert signed_in(ann, "203.0.113.7", firefox) == 0  # the first one is how they joined
    assert signed_in(ann, "203.0.113.99", firefox) == 0  # the same network
    assert signed_in(ann, "198.51.100.1", firefox) == 1
    assert signed_in(ann, "203.0.113.7", chrome) == 2
    assert signed_in(ann, "198.51.100.2", chrome) == 2
    assert inbox(ann)[0].startswith("New sign-in from Chrome")


@pytest.mark.django_db(transaction=True)
def test_an_event_redelivered_three_times_at_once_is_one_news_and_one_mail(transactional_alpha, mailoutbox):
    with site_context(transactional_alpha):
        rita = make_partner(name="Rita")
        give_earnings(rita.user, 30_000)
        payout = request_payout(user=rita.user)
        event = OutboxEvent(
            topic="payout.changed", key="k", payload={"payout_id": str(payout.pk), "status": "approved", "before": ""}
        )

    def run(work):
        try:
            return work()
        finally:
            connection.close()

    def hear(_):
        with site_context(transactional_alpha):
            hearing.payout_changed([event])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: run(lambda: hear(n)), range(3)))
    with site_context(transactional_alpha):
        assert Notification.objects.filter(kind="payout", key=f"{payout.pk}:approved").count() == 1
        mail = Mail.objects.get(kind="payout", key=f"{payout.pk}:approved")

    def send(_):
        return services.send_mail(site_id=transactional_alpha, mail_id=mail.pk)

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda n: run(lambda: send(n)), range(3)))

    assert sorted(outcomes) == ["", "", "sent"]
    assert [one.subject for one in mailoutbox] == ["Payout of ₹300.00 approved"]


def test_a_thousand_commissions_cost_a_fixed_number_of_queries(site, deliver, django_assert_max_num_queries):
    make_plan(*percent(*["0.01"] * 5))
    chain = make_chain(6)
    for _ in range(20):
        make_order(chain[-1], ("server", 100_000))
    deliver()
    orders = Commission.objects.order_by().values_list("order_id", flat=True).distinct()
    events = [OutboxEvent(payload={"order_id": str(pk)}) for pk in orders]

    with django_assert_max_num_queries(6):
        hearing.order_commissioned(events)

    assert Notification.objects.filter(kind="commission").count() == 100
