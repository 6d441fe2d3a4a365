"""A paid order of the category that the site calls a winning bid is its buyer's first bid."""

import pytest

from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus, FirstEvent
from apps.bonuses.services import reward_orders
from apps.bonuses.tests.factories import bid, make_rules, referred_by
from apps.core.models import OutboxEvent
from apps.orders.tests.factories import make_order, refund_order
from apps.referrals.tests.factories import make_partner
from apps.sites.services import change_settings
from apps.wallet import selectors as wallets


@pytest.fixture
def referrer(site):
    make_rules({"type": "first_bid", "kind": "percent", "value": "0.01", "auto_credit": True})
    change_settings(changes={"first_bid_category": "lot"}, actor=SYSTEM)
    return make_partner(name="Rita")


def bonuses():
    return list(Bonus.objects.order_by("id").values_list("event_type", "base_amount", "amount", "status"))


def test_a_paid_lot_is_the_first_bid_of_its_buyer_and_only_its_lines_count(referrer, deliver):
    order = make_order(referred_by(referrer), ("lot", 120_000), ("shipping", 9_000), ("lot", 30_050))
    deliver()

    assert bonuses() == [("first_bid", 150_050, 1_501, "credited")]
    assert FirstEvent.objects.get().event_ref == str(order.pk)
    assert wallets.wallet_summary(referrer.user_id).available == 1_501


def test_it_is_once_whichever_way_it_was_told(referrer, deliver):
    buyer, other = referred_by(referrer, 2)
    bid(buyer, 10_000)
    make_order(buyer, ("lot", 120_000))
    for amount in (40_000, 70_000):
        make_order(other, ("lot", amount))
    deliver()
    events = list(OutboxEvent.objects.filter(consumer="bonuses", topic="order.paid"))

    reward_orders(events)

    assert sorted(bonuses()) == [("first_bid", 10_000, 100, "credited"), ("first_bid", 40_000, 400, "credited")]
    assert len(events) == 3


@pytest.mark.parametrize("category", ["", "other"])
def test_an_order_of_anything_else_is_no_bid(referrer, deliver, category):
    change_settings(changes={"first_bid_category": category}, actor=SYSTEM)
    make_order(referred_by(referrer), ("lot", 120_000))
    deliver()

    assert Bonus.objects.count() == FirstEvent.objects.count() == 0


def test_guests_and_orders_that_went_back_before_are_none(referrer, deliver):
    make_order(None, ("lot", 120_000), below=referrer)
    returned = make_order(referred_by(referrer), ("lot", 120_000))
    refund_order(returned)
    deliver()

    assert Bonus.objects.count() == FirstEvent.objects.count() == 0


def test_a_later_refund_takes_nothing_since_only_a_deposits_does(referrer, deliver):
    order = make_order(referred_by(referrer), ("lot", 120_000))
    deliver()

    refund_order(order)
    deliver()

    assert bonuses() == [("first_bid", 120_000, 1_200, "credited")]
    assert wallets.wallet_summary(referrer.user_id).available == 1_200


def test_nobody_brought_the_buyer(referrer, deliver):
    make_order(make_partner(), ("lot", 120_000))
    deliver()

    assert Bonus.objects.count() == FirstEvent.objects.count() == 0
