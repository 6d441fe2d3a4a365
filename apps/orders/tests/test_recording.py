"""What a shop reports becomes an order, once, with the upline of that moment (X14)."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.orders.models import Customer, Order, OrderLine
from apps.orders.selectors import attributed_partner, purchases_by_partner
from apps.orders.services import bind_customer_to_member, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.orders.tests.factories import make_order, make_report, refund_order
from apps.referrals.models import Conversion, Partner
from apps.referrals.services import move_partner, record_click, set_partner_status
from apps.referrals.tests.factories import UserFactory, make_chain, make_partner
from apps.sites import registry


@pytest.fixture
def listening(monkeypatch):
    """Somebody above who consumes news of orders, so that the outbox keeps it."""
    monkeypatch.setattr(outbox, "_by_topic", deepcopy(outbox._by_topic))
    for topic in ("order.paid", "order.refunded"):
        outbox.subscribe(topic, "tests", "builtins.list")


def record(report):
    return record_external_order(report=report, actor=SYSTEM)


def levels(order):
    return [(step["level"], step["partner_id"]) for step in order.upline]


def test_a_members_order_is_paid_with_their_own_upline(site, listening):
    ann, bob, carl = make_chain(3)

    order = make_order(carl, ("server", 900_00), ("addon", 100_00, 2))

    assert (order.status, order.amount, order.currency, order.user_id) == ("paid", 1000_00, "INR", carl.user_id)
    assert levels(order) == [(1, str(bob.pk)), (2, str(ann.pk))]
    assert [(line.category, line.amount, line.quantity) for line in order.lines.all()] == [
        ("server", 900_00, 1),
        ("addon", 100_00, 2),
    ]
    assert order.paid_at == order.recorded_at
    event = OutboxEvent.objects.get(topic="order.paid", consumer="tests")
    assert event.payload == {"order_id": str(order.pk)}
    assert AuditEvent.objects.get(action="order.recorded").target_id == str(order.pk)


def test_the_lines_stay_in_their_order(site):
    order = make_order(None, *[(f"c{number}", number + 1) for number in range(100)])

    assert [line.category for line in OrderLine.objects.filter(order=order)] == [f"c{number}" for number in range(100)]


def test_a_members_order_ignores_codes(site):
    ann, bob = make_chain(2)
    zoe = make_partner()

    order = make_order(bob, below=zoe)

    assert levels(order) == [(1, str(ann.pk))]
    assert Customer.objects.get().partner is None


def test_a_member_is_known_by_their_e_mail_too(site):
    ann, bob = make_chain(2)

    order = make_order(customer=CustomerIds(email=bob.user.email, external_id="shop-7"))

    assert (order.user_id, levels(order)) == (bob.user_id, [(1, str(ann.pk))])
    again = make_order(customer=CustomerIds(external_id="shop-7"))
    assert again.customer_id == order.customer_id


def test_twenty_levels_and_no_more(site):
    chain = make_chain(100)

    order = make_order(chain[-1])

    assert levels(order) == [(level, str(chain[99 - level].pk)) for level in range(1, 21)]


def test_a_guest_is_credited_to_whoever_brought_them_first_and_for_ever(site):
    ann, bob = make_chain(2)
    zoe = make_partner()
    guest = CustomerIds(email="guest@example.com")

    unknown = make_order(customer=guest)
    first = make_order(customer=guest, click_id=str(record_click(partner=bob).pk))
    later = make_order(customer=guest, below=zoe)

    assert levels(unknown) == []
    assert levels(first) == levels(later) == [(1, str(bob.pk)), (2, str(ann.pk))]
    assert (later.user_id, Customer.objects.count()) == (None, 1)
    conversion = Conversion.objects.get(kind="buyer")
    assert (conversion.partner, conversion.source) == (bob, "click")
    with pytest.raises(DatabaseError), transaction.atomic():
        Customer.objects.update(partner=zoe)


def test_a_code_beats_a_click_and_a_bad_click_is_passed_over(site):
    ann, zoe = make_partner(), make_partner()
    click = str(record_click(partner=zoe).pk)

    assert levels(make_order(below=ann, click_id=click)) == [(1, str(ann.pk))]
    for bad in ("nonsense", str(ann.pk), ""):
        assert levels(make_order(click_id=bad)) == []


def test_an_inactive_or_unknown_code_is_refused_and_nothing_is_kept(site):
    ann = make_partner()
    set_partner_status(partner=ann, status="inactive", reason="x", actor=SYSTEM)

    for report, code in (
        (make_report(below=ann), "referral_code_inactive"),
        (replace(make_report(), referral_code="AAAAAAAAAAAA"), "referral_code_unknown"),
    ):
        with pytest.raises(Invalid) as refused:
            record(report)
        assert refused.value.code == code

    assert (Order.objects.count(), Customer.objects.count()) == (0, 0)


def test_guests_are_found_by_external_id_before_e_mail(site):
    by_id = make_order(customer=CustomerIds(external_id="A", email="a@example.com")).customer
    by_mail = make_order(customer=CustomerIds(email="b@example.com")).customer

    assert make_order(customer=CustomerIds(external_id="A", email="b@example.com")).customer == by_id
    assert make_order(customer=CustomerIds(external_id="B", email="b@example.com")).customer == by_mail
    by_mail.refresh_from_db()
    assert (by_mail.external_id, by_mail.email) == ("B", "b@example.com")
    by_id.refresh_from_db()
    assert by_id.email == "a@example.com"


def test_a_user_beats_a_shop_id_that_is_somebody_elses(site):
    ann, bob = make_chain(2)
    other = make_order(customer=CustomerIds(user_id=ann.user_id, external_id="A")).customer

    order = make_order(customer=CustomerIds(user_id=bob.user_id, external_id="A"))

    assert (order.user_id, order.customer.external_id) == (bob.user_id, None)
    assert order.customer != other


def test_a_user_of_another_site_is_unknown(site, other_site):
    with site_context(other_site.pk):
        stranger = make_partner()

    for user_id in (stranger.user_id, stranger.pk):
        with pytest.raises(Invalid) as refused:
            record(make_report(customer=CustomerIds(user_id=user_id)))
        assert (refused.value.code, refused.value.field) == ("customer_unknown", "customer.user_id")
    assert Customer.objects.count() == 0


def test_the_same_report_is_one_order_and_another_a_conflict(site, listening):
    report = make_report(("server", 500), ("domain", 300))
    order, is_new = record(report)

    assert record(report) == (order, False)
    assert is_new
    for other in (
        replace(report, lines=report.lines[:1]),
        replace(report, click_id="x"),
        replace(report, customer=CustomerIds(email="other@example.com")),
        replace(report, paid_at=timezone.now()),
    ):
        with pytest.raises(Conflict) as refused:
            record(other)
        assert refused.value.code == "external_id_conflict"
    told = OutboxEvent.objects.filter(consumer="tests").count()
    assert (Order.objects.count(), OrderLine.objects.count(), told) == (1, 2, 1)


def test_the_same_id_at_another_site_is_another_order(site, other_site):
    report = make_report()
    record(report)

    with site_context(other_site.pk):
        assert record(report)[1]


def test_another_currency_and_a_payment_ahead_are_refused(site):
    for report, code in (
        (make_report(currency="USD"), "currency_mismatch"),
        (make_report(paid_at=timezone.now() + timedelta(hours=1)), "paid_in_future"),
    ):
        with pytest.raises(Invalid) as refused:
            record(report)
        assert refused.value.code == code
    assert (Order.objects.count(), Customer.objects.count()) == (0, 0)


def test_the_shop_s_date_only_dates_the_order(site):
    long_ago = timezone.now() - timedelta(days=400)

    order = make_order(paid_at=long_ago)

    assert order.paid_at == long_ago
    assert order.recorded_at > timezone.now() - timedelta(minutes=1)


def test_a_move_leaves_old_orders_their_upline(site):
    ann, bob = make_chain(2)
    zoe = make_partner()
    before = make_order(bob)

    move_partner(partner=bob, new_sponsor=zoe, reason="x", actor=SYSTEM)

    assert levels(Order.objects.get(pk=before.pk)) == [(1, str(ann.pk))]
    assert levels(make_order(bob)) == [(1, str(zoe.pk))]


@pytest.mark.parametrize(
    "change",
    [{"upline": [{"level": 1}]}, {"paid_at": timezone.now()}, {"status": "pending"}, {"refunded_amount": 10**9}],
)
def test_the_database_keeps_what_was_paid(site, change):
    order = make_order()

    with pytest.raises(DatabaseError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**change)


@pytest.fixture
def gamma(db):
    """Activation by a fee or by buying a server."""
    with site_context(registry.by_code("GAMMA").pk):
        yield


def test_a_qualifying_purchase_activates_without_any_call(gamma):
    ann = make_partner()
    make_order(ann, ("domain", 500_00))
    ann.refresh_from_db()
    assert ann.status == "pending"

    make_order(ann, ("domain", 500_00), ("server", 900_00), external_id="S-1")

    ann.refresh_from_db()
    assert (ann.status, ann.activated_at is not None) == ("active", True)
    assert AuditEvent.objects.get(action="partner.activated").after == {"by": "order S-1"}


def test_a_purchase_does_not_undo_a_freeze(gamma):
    ann = make_partner()
    set_partner_status(partner=ann, status="frozen", reason="x", actor=SYSTEM)

    order = make_order(ann, ("server", 900_00))

    ann.refresh_from_db()
    assert (ann.status, order.status) == ("frozen", "paid")


def test_the_status_of_the_upline_is_that_of_the_moment(gamma):
    ann = make_partner(status="active")
    bob = make_partner(ann)
    order = make_order(bob, ("server", 900_00))
    set_partner_status(partner=ann, status="frozen", reason="x", actor=SYSTEM)

    assert [step["status"] for step in Order.objects.get(pk=order.pk).upline] == ["active"]


def test_a_guest_who_registers_keeps_their_purchases_and_their_sponsor(gamma):
    ann = make_partner(status="active")
    guest = CustomerIds(email="guest@example.com")
    make_order(None, ("server", 900_00), customer=guest, below=ann)
    sponsor = attributed_partner("guest@example.com")
    newcomer = make_partner(sponsor, user=UserFactory(email="guest@example.com"))

    bound = bind_customer_to_member(user=newcomer.user, partner=newcomer)

    assert (sponsor, bound.user) == (ann, newcomer.user)
    assert Partner.objects.get(pk=newcomer.pk).status == "active"
    assert purchases_by_partner(None, [newcomer]) == {newcomer.pk: 900_00}
    assert bind_customer_to_member(user=newcomer.user, partner=newcomer) is None
    assert attributed_partner("guest@example.com") is None
    assert levels(make_order(customer=guest)) == [(1, str(ann.pk))]


def test_purchases_count_what_was_not_given_back(site):
    ann, bob = make_chain(2)
    refund_order(make_order(bob, ("x", 1000)), 300)
    make_order(bob, ("x", 50))
    refund_order(make_order(ann, ("x", 77)))

    assert purchases_by_partner(ann, [ann, bob]) == {bob.pk: 750}


@pytest.mark.django_db(transaction=True)
def test_a_report_sent_twice_at_once_is_one_order():
    site_id = registry.by_code("ALPHA").pk
    with site_context(site_id):
        ann = make_partner()
        report = make_report(below=ann)

    def send(_):
        try:
            with site_context(site_id):
                return record(report)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))

    assert sum(is_new for _, is_new in answers) == 1
    assert len({order.pk for order, _ in answers}) == 1
    with site_context(site_id):
        assert (Order.objects.count(), Customer.objects.count(), Conversion.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_first_orders_at_once_bind_a_guest_once():
    site_id = registry.by_code("ALPHA").pk
    with site_context(site_id):
        brought_by = [make_partner() for _ in range(2)]
    guest = CustomerIds(email="guest@example.com")
    reports = [make_report(customer=guest, below=brought_by[number % 2]) for number in range(12)]

    def send(report):
        try:
            with site_context(site_id):
                return record(report)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        orders = list(pool.map(send, reports))

    assert len({tuple(levels(order)) for order in orders}) == 1
    with site_context(site_id):
        assert (Customer.objects.count(), Conversion.objects.count()) == (1, 1)
