"""Tokens follow from paid orders and refunds, once and in any order (P12, R5)."""

from decimal import Decimal

import pytest
from django.utils import timezone

from apps.allocations.models import Allocation, Transfer
from apps.allocations.services import allocate_orders, send_batch
from apps.allocations.tests.factories import give_address, make_token_order, push_all
from apps.audit.services import SYSTEM
from apps.core.models import OutboxEvent
from apps.orders.tests.factories import refund_order


def test_each_line_with_tokens_is_owed_once(site, make_user, deliver):
    order = make_token_order(make_user(), "100", None, "0.000000000000000001")
    deliver()

    rows = Allocation.objects.order_by("id")
    assert [(row.order_id, str(row.tokens), row.status) for row in rows] == [
        (order.pk, "100.000000000000000000", "pending"), (order.pk, "1E-18", "pending"),
    ]  # fmt: skip


def test_told_again_nothing_is_added(site, make_user, deliver):
    make_token_order(make_user())
    deliver()
    events = list(OutboxEvent.objects.filter(consumer="allocations"))

    allocate_orders(events)
    allocate_orders(events * 2)

    assert Allocation.objects.count() == 1


def test_what_a_shop_reports_has_no_tokens(site, deliver):
    from apps.orders.tests.factories import make_order

    make_order()
    deliver()

    assert Allocation.objects.count() == 0


@pytest.mark.parametrize("refund_first", [False, True])
def test_a_part_refunded_shrinks_in_proportion(site, make_user, deliver, refund_first):
    order = make_token_order(make_user(), "100")
    if not refund_first:
        deliver()
    refund_order(order, 3333)
    deliver()

    found = Allocation.objects.get()
    assert (found.ordered, found.tokens, found.status) == (Decimal(100), Decimal("66.67"), "pending")


def test_a_share_is_rounded_down_to_eighteen_places(site, make_user, deliver):
    order = make_token_order(make_user(), "1", amount=3)
    refund_order(order, 1)
    deliver()

    assert str(Allocation.objects.get().tokens) == "0.666666666666666666"


def test_all_refunded_before_sending_is_cancelled(owed, deliver, custody, buyer):
    (found,) = owed()
    refund_order(found.order)
    deliver()

    found.refresh_from_db()
    assert (found.tokens, found.status, found.reason) == (0, "cancelled", "Refunded before it was sent")


def test_all_refunded_before_it_was_ever_owed_owes_nothing(site, make_user, deliver):
    order = make_token_order(make_user())
    refund_order(order)
    deliver()

    assert Allocation.objects.count() == 0


def test_refunded_after_sending_is_shown_to_staff_and_moves_nothing(owed, deliver):
    (found,) = owed()
    send_batch(allocation_ids=[found.pk], actor=SYSTEM)
    refund_order(found.order, 2500)
    deliver()

    found.refresh_from_db()
    assert (found.status, found.tokens, found.overpaid) == ("processing", 100, 25)
    assert Transfer.objects.get().tokens == 100


def test_refunded_on_the_way_and_then_failed_is_owed_less(owed, deliver, fireblocks):
    (found,) = owed()
    send_batch(allocation_ids=[found.pk], actor=SYSTEM)
    push_all()
    refund_order(found.order, 2500)
    deliver()
    fireblocks.custody.set_state(Transfer.objects.get().provider_id, status="FAILED")
    push_all()

    found.refresh_from_db()
    assert (found.status, found.tokens, found.overpaid) == ("failed", 75, 0)


def test_a_guests_tokens_wait_and_are_theirs_once_they_register(custody, api, deliver, make_user, client):
    from apps.onboarding.services import Newcomer, register

    order = make_token_order()
    deliver()
    (found,) = Allocation.objects.select_related("order__customer")
    assert (found.status, found.waits_for) == ("pending", "account")

    user, _ = register(Newcomer(email=order.customer.email, password="correct horse battery", full_name="Gus"))

    (row,) = api(user).get("/api/v1/allocations").json()["results"]
    assert (row["id"], row["waits_for"]) == (str(found.pk), "address")
    give_address(user)
    (row,) = api(user).get("/api/v1/allocations").json()["results"]
    assert row["waits_for"] == ""


def test_tokens_of_a_disputed_order_wait_for_the_bank(owed, buyer, api):
    (found,) = owed()
    found.order.disputed_at = timezone.now()
    found.order.save(update_fields=["disputed_at"])

    (row,) = api(buyer).get("/api/v1/allocations").json()["results"]

    assert (row["status"], row["waits_for"]) == ("pending", "dispute")
