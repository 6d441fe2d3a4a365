"""The wallet page."""

import pytest

from apps.catalogue import shelf
from apps.wallet.models import Posting
from apps.wallet.selectors import wallet_summary
from apps.wallet.tests.factories import give_earnings

pytestmark = pytest.mark.django_db


def test_an_empty_wallet_teaches_the_first_step(signed_in, ann):
    page = signed_in(ann).get("/dashboard/wallet").content.decode()

    assert "Nothing has moved yet" in page
    assert "Share your link" in page


def test_every_movement_stands_with_what_the_pocket_held_then(signed_in, ann):
    give_earnings(ann, 12345678)
    give_earnings(ann, 100)

    page = signed_in(ann).get("/dashboard/wallet").content.decode()

    assert "+₹1,23,456.78" in page
    assert "₹1,23,457.78" in page  # after the second
    assert "₹1,23,457<small>.78</small>" in page  # the headline


def test_others_movements_are_not_mine(signed_in, ann, make_user):
    give_earnings(make_user(), 500)

    assert "Nothing has moved yet" in signed_in(ann).get("/dashboard/wallet").content.decode()


def test_moving_earnings_to_funds(signed_in, ann):
    give_earnings(ann, 10000)

    response = signed_in(ann).post("/dashboard/wallet", {"amount": "₹60.50"})

    assert response.status_code == 302
    summary = wallet_summary(ann.pk)
    assert (summary.available, summary.funds) == (3950, 6050)


@pytest.mark.parametrize(
    ("amount", "words", "status"),
    [
        ("100.01", "There is less than that to take.", 409),
        ("0", "Write an amount above zero.", 400),
        ("-5", "Write an amount such as", 400),
        ("1.234", "INR has 2 decimal places.", 400),
        ("٣", "Write an amount such as", 400),
        ("99999999999999999999", "Write an amount above zero.", 400),
        ("", "This field is required.", 400),
    ],
)
def test_a_refused_move_says_why_and_moves_nothing(signed_in, ann, amount, words, status):
    give_earnings(ann, 10000)
    client, before = signed_in(ann), Posting.objects.count()

    response = client.post("/dashboard/wallet", {"amount": amount})

    assert response.status_code == status
    assert words in response.content.decode()
    assert Posting.objects.count() == before
    assert wallet_summary(ann.pk).available == 10000


def test_the_ledger_is_paged_and_its_pages_meet(signed_in, ann):
    for _ in range(30):
        give_earnings(ann, 100)
    client = signed_in(ann)

    first = client.get("/dashboard/wallet").context["page"]
    second = client.get(first.older).context["page"]
    back = client.get(second.newer).context["page"]

    assert (len(first.rows), len(second.rows)) == (25, 5)
    assert {row.pk for row in first.rows}.isdisjoint(row.pk for row in second.rows)
    assert [row.pk for row in back.rows] == [row.pk for row in first.rows]
    assert (first.newer, second.older) == ("", "")


def test_a_forged_cursor_shows_the_first_page(signed_in, ann):
    give_earnings(ann, 100)

    assert len(signed_in(ann).get("/dashboard/wallet?cursor=%3E1:forged").context["page"].rows) == 1


def test_filters_show_one_pocket(signed_in, ann):
    give_earnings(ann, 100)

    client = signed_in(ann)
    assert client.get("/dashboard/wallet?pocket=funds").context["page"].rows == []
    assert len(client.get("/dashboard/wallet?pocket=earnings&kind=credit").context["page"].rows) == 1


def test_queries_do_not_grow_with_the_rows(signed_in, ann, django_assert_num_queries):
    client = signed_in(ann)
    for _ in range(12):
        give_earnings(ann, 100)

    # Session, caller, partner, ledger, summary, settings, who pays, whether payments are taken, deposits, bonuses, the bell; four
    # more are the request's transaction inside the test's.
    shelf.products()  # warm, as it mostly is
    with django_assert_num_queries(4 + 12):
        client.get("/dashboard/wallet")


def test_a_movement_leads_to_what_it_is_about(signed_in, ann):
    from apps.payouts.services import request_payout

    give_earnings(ann, 100)
    payout = request_payout(user=ann)

    assert f"/dashboard/payouts/{payout.pk}" in signed_in(ann).get("/dashboard/wallet").content.decode()
