"""The team page."""

import pytest

from apps.catalogue import shelf
from apps.commissions.tests.factories import make_order
from apps.core.ids import uuid7

pytestmark = pytest.mark.django_db


def test_alone_it_teaches_the_first_step(signed_in, ann):
    assert "Your first referral will be here" in signed_in(ann).get("/dashboard/team").content.decode()


def test_it_shows_who_is_directly_below_and_how_many_are_in_all(signed_in, ann, ben, cleo, stranger):
    response = signed_in(ann).get("/dashboard/team")

    page = response.content.decode()
    assert [row.name for row in response.context["rows"]] == ["Ben Example"]
    assert "2 people in 2 levels below you" in page
    assert "Zoe" not in page
    assert "ben@example.com" not in page


def test_a_branch_opens_in_place_and_by_its_address(signed_in, ann, ben, cleo):
    client = signed_in(ann)

    piece = client.get(f"/dashboard/team/{ben.partner.pk}/branch").content.decode()
    whole = client.get(f"/dashboard/team?open={ben.partner.pk}")

    assert "Cleo Example" in piece
    assert "<html" not in piece
    assert [row.name for row in whole.context["rows"]] == ["Cleo Example"]
    assert whole.context["top"].name == "Ben Example"


@pytest.mark.parametrize("who", ["above", "beside", "nobody", "nonsense"])
def test_only_ones_own_downline_opens(signed_in, ann, ben, stranger, who):
    wanted = {"above": ann.partner.pk, "beside": stranger.partner.pk, "nobody": uuid7(), "nonsense": "x"}[who]
    client = signed_in(ben)

    assert client.get(f"/dashboard/team?open={wanted}").status_code == 404
    if who != "nonsense":
        assert client.get(f"/dashboard/team/{wanted}/branch").status_code == 404


def test_what_somebody_bought_stands_with_what_it_earned_me(signed_in, ann, ben, plan, deliver):
    make_order(ben.partner, ("server", 10000))
    deliver()

    page = signed_in(ann).get(f"/dashboard/team?open={ben.partner.pk}").content.decode()

    assert "What Ben Example bought" in page
    assert "₹12.50" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("level=2", {"Cleo Example"}), ("q=cleo", {"Cleo Example"}), ("status=frozen", set()),
        ("q=cleo%40example.com", {"Cleo Example"}), ("q=leo%40", set()), ("level=x", {"Ben Example"}),
    ],
)  # fmt: skip
def test_filters(signed_in, ann, ben, cleo, query, names):
    assert {row.name for row in signed_in(ann).get(f"/dashboard/team?{query}").context["rows"]} == names


def test_no_cursor_tells_where_in_the_tree_one_stands(signed_in, ann, ben, make_partner):
    for number in range(26):
        make_partner(f"P{number:02} Example", below=ben)

    page = signed_in(ben).get("/dashboard/team").context["page"]

    assert page.older
    assert ben.partner.path not in page.older


def test_queries_do_not_grow_with_the_team(signed_in, ann, ben, make_partner, nested, django_assert_num_queries):
    client = signed_in(ann)
    for number in range(8):
        make_partner(f"P{number:02} Example", below=ann)

    # Session, caller, partner, rows, their statistics, purchases, earnings, levels, earned by level, shape (2).
    shelf.products()  # warm, as it mostly is
    with django_assert_num_queries(nested + 12):
        client.get("/dashboard/team")


def test_the_shape_is_drawn_for_a_team_that_has_one(signed_in, ann, ben, cleo, make_partner, plan, deliver):
    client = signed_in(ann)
    assert client.get("/dashboard/team").context["shape"] is None  # two people
    make_partner("Dev Example", below=ann)
    make_order(ben.partner, ("server", 8_000_000))  # 12.5 %: ₹10,000
    make_order(cleo.partner, ("server", 8_000_000))  # 5 %: ₹4,000
    deliver()

    shape = client.get("/dashboard/team").context["shape"]

    assert shape.people == [(1, 2, 1), (2, 1, 1)]
    assert shape.thresholds == (1_000_000, 5_000_000)
    assert [classes for classes, _ in shape.dots] == ["dots", "dots n1 m", "dots n2"]
