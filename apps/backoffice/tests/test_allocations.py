"""Tokens are looked at before they are sent, and watched on their way."""

import pytest
from django.urls import reverse

from apps.allocations.models import Allocation, AllocationBatch, Transfer
from apps.allocations.tests.factories import give_address, make_custody, make_token_order

from .conftest import listing, page_of


@pytest.fixture
def owed(site, make_user, deliver):
    """One that can be sent, one without an address, a guest's."""
    make_custody()
    users = [make_user("ann@example.com", full_name="Ann Buyer"), make_user("ben@example.com", full_name="Ben Buyer")]
    give_address(users[0])
    for user in (*users, None):
        make_token_order(user, "12.5")
    deliver()
    return list(Allocation.objects.order_by("id"))


def press(desk, rows, **more):
    data = {"action": "send", "index": "0", "_selected_action": [str(row.pk) for row in rows], "note": "", **more}
    return desk.post(listing(Allocation), data)


def test_a_batch_is_looked_at_before_it_is_sent(office, owed):
    text = press(office("affiliate_manager"), owed).content.decode()

    assert "1 can be sent" in text
    assert "12.5 UPT on Ethereum" in text
    assert "Ethereum 0x0000···0001" in text
    assert f"{1:040x}" not in text
    assert "no address on the token" in text
    assert "a guest, who has no account yet" in text
    assert (AllocationBatch.objects.count(), Transfer.objects.count()) == (0, 0)


def test_an_address_that_rests_is_named(office, owed):
    buyer = owed[0].order.customer.user
    give_address(buyer, 2)
    desk = office("affiliate_manager")

    assert "a new address rests" in desk.get(listing(Allocation)).content.decode()
    assert "a new address rests" in press(desk, owed).content.decode()
    assert (AllocationBatch.objects.count(), Transfer.objects.count()) == (0, 0)


def test_and_sent_once_it_is_confirmed(office, owed):
    desk = office("affiliate_manager")

    press(desk, owed, confirmed="yes")

    assert desk.said[0] == "1 allocation on the way."
    assert [row.status for row in Allocation.objects.order_by("id")] == ["processing", "pending", "pending"]


def test_what_cannot_be_sent_has_no_button(office, owed):
    text = press(office("affiliate_manager"), owed[1:]).content.decode()

    assert "0 can be sent" in text
    assert 'name="confirmed"' not in text


def test_ones_own_are_left_out(office, owed, deliver):
    desk = office("affiliate_manager")
    give_address(desk.user, 7)
    make_token_order(desk.user, "3")
    deliver()
    mine = Allocation.objects.get(order__user=desk.user)

    text = press(desk, [owed[0], mine]).content.decode()
    assert "1 can be sent" in text
    assert "somebody else has to send them" in text

    press(desk, [owed[0], mine], confirmed="yes")
    mine.refresh_from_db()
    assert (mine.status, AllocationBatch.objects.get().count) == ("pending", 1)


def test_without_a_custodian_it_is_said(office, owed):
    from apps.custody.models import CustodyAccount

    CustodyAccount.objects.update(is_active=False)
    desk = office("affiliate_manager")

    press(desk, owed)

    assert desk.said == ["This site has nowhere to send tokens from yet."]


def test_a_batch_comes_anew_until_it_is_over(office, owed):
    desk = office("affiliate_manager")
    press(desk, owed, confirmed="yes")
    batch = AllocationBatch.objects.get()

    text = desk.get(page_of(batch)).content.decode()
    assert 'data-live="3"' in text
    assert "0 of 1" in text
    assert "1 to be sent" in text
    assert "Ann Buyer" in text

    transfer = Transfer.objects.get()
    transfer.advance(to="completed")
    transfer.tx_hash = "0xabcdef"
    transfer.save(update_fields=["status", "tx_hash"])
    text = desk.get(page_of(batch)).content.decode()
    assert "data-live" not in text
    assert "1 of 1" in text
    assert "0xabcdef" in text
    assert reverse("admin:index") in text
