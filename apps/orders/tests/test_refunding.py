"""Money given back, spread over the lines (X10)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core import money
from apps.core.errors import Conflict, DomainError, Invalid
from apps.core.tenancy import site_context
from apps.orders import services
from apps.orders.models import Order, OrderLine, Refund, RefundLine
from apps.orders.tests.factories import make_order, refund_order
from apps.referrals.services import join
from apps.sites import registry


def refunded(order):
    return [line.refunded_amount for line in OrderLine.objects.filter(order=order)]


def test_a_part_falls_on_the_lines_by_largest_remainder(site):
    order = make_order(None, ("a", 100), ("b", 100), ("c", 100))

    refund = refund_order(order, 100, external_id="R-1")

    order.refresh_from_db()
    assert (order.status, order.refunded_amount, refunded(order)) == ("partially_refunded", 100, [34, 33, 33])
    assert [(part.line_id, part.amount) for part in refund.lines.all()] == [
        (line.pk, line.refunded_amount) for line in OrderLine.objects.filter(order=order)
    ]
    event = AuditEvent.objects.get(action="order.refunded")
    assert event.after == {"refund": "R-1", "amount": 100, "status": "partially_refunded"}


def test_parts_add_up_to_the_whole(site):
    order = make_order(None, ("a", 7), ("b", 1), ("c", 992))
    for amount in (1, 333, 333):
        refund_order(order, amount)

    refund_order(order)

    order.refresh_from_db()
    assert (order.status, order.refunded_amount, refunded(order)) == ("refunded", 1000, [7, 1, 992])
    assert sum(RefundLine.objects.values_list("amount", flat=True)) == 1000


def test_more_than_the_rest_is_refused_and_nothing_moves(site):
    order = make_order(None, ("a", 100))
    refund_order(order, 60)

    with pytest.raises(Invalid) as refused:
        refund_order(order, 41)

    assert (refused.value.code, refused.value.field) == ("refund_exceeds_order", "amount")
    assert (refunded(order), Refund.objects.count()) == ([60], 1)


def test_what_is_refunded_already_is_not_refunded_again(site):
    order = make_order(None, ("a", 100))
    refund_order(order)

    with pytest.raises(Conflict) as refused:
        refund_order(order, 1)

    assert refused.value.code == "invalid_state"
    assert (refunded(order), Refund.objects.count()) == ([100], 1)


def test_the_same_refund_is_one_and_another_with_its_id_a_conflict(site):
    order, other = make_order(None, ("a", 100)), make_order(None, ("a", 100))

    def refund(at, amount, **kwargs):
        return services.refund_order(order=at, external_id="R", amount=amount, actor=SYSTEM, **kwargs)

    first, is_new = refund(order, 100)
    assert is_new
    assert refund(order, 100) == (first, False)
    assert refund(other, 50)[1]
    for amount, reason in ((None, ""), (99, ""), (100, "again")):
        with pytest.raises(Conflict) as refused:
            refund(order, amount, reason=reason)
        assert refused.value.code == "external_id_conflict"
    assert (refunded(order), Refund.objects.count()) == ([100], 2)


def test_an_order_that_was_never_paid_is_not_refunded(site):
    customer = make_order().customer
    pending = Order.objects.create(customer=customer, amount=100, currency="INR")

    with pytest.raises(Conflict) as refused:
        refund_order(pending, 10)

    assert refused.value.code == "invalid_state"


def test_refunds_stay_as_they_are(site):
    refund = refund_order(make_order(None, ("a", 100)), 10)

    for rows in (Refund.objects.filter(pk=refund.pk), RefundLine.objects.filter(refund=refund)):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(amount=1)


@pytest.mark.django_db(transaction=True)
def test_parallel_refunds_never_exceed_the_order():
    site_id = registry.by_code("ALPHA").pk
    with site_context(site_id):
        order = make_order(None, ("a", 60), ("b", 40))

    def send(number):
        try:
            with site_context(site_id):
                refund_order(order, 10, external_id=f"R-{number}")
            return True
        except DomainError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(send, range(24)))

    with site_context(site_id):
        order.refresh_from_db()
        assert (done, order.refunded_amount, order.status, refunded(order)) == (10, 100, "refunded", [60, 40])


@given(
    weights=st.lists(st.integers(1, 10**6), min_size=1, max_size=20), shares=st.lists(st.fractions(0, 1), max_size=8)
)
@runs(max_examples=200)
def test_repeated_parts_never_exceed_a_line(weights, shares):
    """The arithmetic behind `refund_order`: always by what is left of each line, the last part taking the rest."""
    rest = list(weights)
    for share in [*shares, 1]:
        amount = int(sum(rest) * share)
        parts = money.split(amount, rest)
        assert sum(parts) == amount
        rest = [left - part for left, part in zip(rest, parts, strict=True)]
        assert min(rest) >= 0
    assert sum(rest) == 0


@pytest.mark.parametrize("role", ["admin", "super_admin"])
def test_nobody_gives_their_own_money_back(site, make_user, api, role):
    user = make_user(f"{role}@example.com", roles=[role])
    order = make_order(join(user=user))
    before = AuditEvent.objects.filter(action="order.refunded").count()

    answer = api(user).post(f"/api/v1/orders/{order.pk}/refunds", {"external_id": "mine"}, format="json")

    order.refresh_from_db()
    assert (answer.status_code, answer.json()["code"]) == (403, "own_order")
    assert (order.status, order.refunded_amount, order.refunds.count()) == ("paid", 0, 0)
    assert AuditEvent.objects.filter(action="order.refunded").count() == before


def test_a_colleague_does(site, make_user, api):
    order = make_order(join(user=make_user("buyer@example.com", roles=["admin"])))
    colleague = make_user("colleague@example.com", roles=["admin"])

    answer = api(colleague).post(f"/api/v1/orders/{order.pk}/refunds", {"external_id": "theirs"}, format="json")

    assert answer.status_code == 201, answer.content
