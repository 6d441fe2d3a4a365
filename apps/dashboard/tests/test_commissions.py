"""The commissions page: rows, tabs, and the explanation of each to the paisa."""

import re

import pytest
from django.utils.html import strip_tags

from apps.catalogue import shelf
from apps.commissions import services
from apps.commissions.models import Commission
from apps.commissions.tests.factories import approve_all, make_order, refund_order
from apps.core.ids import uuid7

pytestmark = pytest.mark.django_db


def text_of(response):
    """What the page says, without its marks: one space between words."""
    apart = response.content.decode().replace("<", " <").replace("\xa0", " ")
    return re.sub(r"\s+", " ", strip_tags(apart)).replace(" , ", ", ").replace(" : ", ": ")


def test_without_sales_it_teaches_the_first_step(signed_in, ann):
    page = text_of(signed_in(ann).get("/dashboard/commissions"))

    assert "Your first commission will be here" in page


def test_a_row_says_what_was_bought_by_whom_and_how_it_was_worked_out(signed_in, ann, ben, cleo, plan, deliver):
    make_order(cleo.partner, ("server", 111745))
    deliver()

    page = text_of(signed_in(ann).get("/dashboard/commissions"))

    assert "Ben Example › Cleo Example" in page
    assert "5 % of ₹1,117.45" in page
    assert "₹55.87" in page


def test_the_explanation_ends_in_the_amount(signed_in, ann, ben, plan, deliver):
    make_order(ben.partner, ("domain", 90000, 2), ("server", 111745))
    deliver()
    commission = Commission.objects.get(user=ann, category="server")

    page = text_of(signed_in(ann).get(f"/dashboard/commissions?explain={commission.pk}"))

    assert "Line 2 of 2 in order" in page
    assert "You Ben Example" in page
    assert "Server, level 1: 12.5 % of the line" in page
    assert "Plan “Standard”, version 1" in page
    assert "Exact ₹139.68125 Rounded half up − ₹0.00125 Your commission ₹139.68" in page
    assert "the same ₹139.68" in page


def test_a_flat_rule_is_explained_per_unit(signed_in, ann, ben, plan, deliver):
    make_order(ben.partner, ("domain", 90000, 2))
    deliver()
    commission = Commission.objects.get(user=ann)

    page = text_of(signed_in(ann).get(f"/dashboard/commissions?explain={commission.pk}"))

    assert "For each unit ₹100.00 × units 2 Your commission ₹200.00" in page


def test_a_commission_on_another_page_is_explained_above_the_list(signed_in, ann, ben, plan, deliver):
    for _ in range(26):
        make_order(ben.partner, ("server", 10000))
    deliver()
    oldest = Commission.objects.filter(user=ann).order_by("id").first()

    response = signed_in(ann).get(f"/dashboard/commissions?explain={oldest.pk}")

    assert response.status_code == 200
    assert response.context["detail_inside"] is False
    assert response.context["detail"].row.commission == oldest


@pytest.mark.parametrize("who", ["theirs", "nobody's", "nonsense"])
def test_somebody_else_s_commission_is_as_unknown_as_nobody_s(signed_in, ann, ben, cleo, plan, deliver, who):
    make_order(cleo.partner, ("server", 10000))
    deliver()
    theirs = Commission.objects.get(user=ben)
    wanted = {"theirs": theirs.pk, "nobody's": uuid7(), "nonsense": "x"}[who]

    assert signed_in(ann).get(f"/dashboard/commissions?explain={wanted}").status_code == 404


def test_tabs_count_and_narrow(signed_in, ann, ben, plan, deliver):
    for _ in range(3):
        make_order(ben.partner, ("server", 10000))
    deliver()
    approve_all()
    make_order(ben.partner, ("server", 10000))
    deliver()
    client = signed_in(ann)

    page = client.get("/dashboard/commissions?status=approved")

    counts = {tab["word"]: tab["count"] for tab in page.context["tabs"]}
    assert counts == {"All": 4, "Pending": 1, "Approved": 3, "Paid": 0, "Rejected": 0, "Reversed": 0}
    assert {row.commission.status for row in page.context["rows"]} == {"approved"}
    assert len(page.context["rows"]) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=1", 2), ("level=2", 1), ("category=domain", 1), ("q=Cleo", 1), ("q=nobody", 0), ("level=99", 3),
        ("month=2001-01", 0), ("month=nonsense", 3), ("status=nonsense", 3),
    ],
)  # fmt: skip
def test_filters(signed_in, ann, ben, cleo, plan, deliver, query, found):
    make_order(ben.partner, ("server", 10000), ("domain", 10000))
    make_order(cleo.partner, ("server", 10000))
    deliver()

    assert len(signed_in(ann).get(f"/dashboard/commissions?{query}").context["rows"]) == found


def test_a_rejected_one_is_struck_out_and_says_why(signed_in, ann, ben, plan, deliver, make_user):
    make_order(ben.partner, ("server", 10000))
    deliver()
    commission = Commission.objects.get(user=ann)
    services.reject_commission(commission=commission, reason="Bought for themselves", actor=make_user())

    page = signed_in(ann).get(f"/dashboard/commissions?explain={commission.pk}")

    assert '<span class="money void">₹12.50</span>' in page.content.decode()
    assert "Not approved: Bought for themselves." in text_of(page)


def test_what_a_refund_took_back_stands_in_the_sum(signed_in, ann, ben, plan, deliver):
    order = make_order(ben.partner, ("server", 10000))
    deliver()
    refund_order(order, 4000)
    deliver()
    commission = Commission.objects.get(user=ann)

    page = text_of(signed_in(ann).get(f"/dashboard/commissions?explain={commission.pk}"))

    assert "Your commission ₹12.50 Taken back by refunds −₹5.00 Worth now ₹7.50" in page


def test_a_sale_that_paid_nothing_says_which_rule_says_so(signed_in, ann, ben, cleo, plan, deliver):
    make_order(cleo.partner, ("domain", 10000))  # level 2 of domains has no rule
    deliver()

    page = text_of(signed_in(ann).get("/dashboard/commissions?status=nothing"))

    assert "The plan has no rule for this at your level." in page
    assert "no_rule" in page


def test_queries_do_not_grow_with_the_rows(signed_in, ann, ben, cleo, plan, deliver, nested, django_assert_num_queries):
    client = signed_in(ann)
    for _ in range(6):
        make_order(cleo.partner, ("server", 10000), ("domain", 10000))
    deliver()

    # Session, caller, partner, counts, nothing's count, rows, categories, levels.
    shelf.products()  # warm, as it mostly is
    with django_assert_num_queries(nested + 9):
        client.get("/dashboard/commissions")
