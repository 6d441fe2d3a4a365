"""Figures that join apps, against hand-computed numbers (H10, T7)."""

from dataclasses import replace

import pytest

from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions, reject_commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan, refund_order
from apps.orders.models import Service
from apps.orders.services import cancel_service, record_external_order
from apps.orders.tests.factories import make_report
from apps.referrals.services import attribute, join, record_click, set_partner_status

URL = "/api/v1"


@pytest.fixture
def team(site, make_user, deliver):
    """Ann brought Ben by a click, Ben brought Cara. 10 % and 5 %; Ben bought 1,000, Cara 2,000 and 400."""
    make_plan(*percent("0.10", "0.05"))
    ann = join(user=make_user("ann@example.com", full_name="Ann"))
    click = record_click(partner=ann)
    record_click(partner=ann)
    ben = join(
        user=make_user("ben@example.com", full_name="Ben"), sponsor=ann, attribution=attribute(click_id=click.pk)
    )
    cara = join(user=make_user("cara@example.com", full_name="Cara"), sponsor=ben)
    orders = [make_order(ben, ("server", 1000)), make_order(cara, ("server", 2000)), make_order(cara, ("domain", 400))]
    deliver()
    return {"ann": ann, "ben": ben, "cara": cara, "orders": orders}


def approve(team, *numbers):
    ids = Commission.objects.filter(user=team["ann"].user, order__in=[team["orders"][n] for n in numbers])
    approve_commissions(ids=list(ids.values_list("pk", flat=True)), actor=SYSTEM)


def test_the_overview_of_a_partner(api, team):
    approve(team, 0)  # 100 approved; 100 and 20 of Cara's still wait
    set_partner_status(partner=team["cara"], status="inactive", reason="left", actor=SYSTEM)

    body = api(team["ann"].user).get(f"{URL}/affiliate/dashboard").json()

    series = body.pop("series")
    assert body == {
        "total_earnings": 100, "available_balance": 100, "pending_commissions": 120, "total_referrals": 2,
        "active_referrals": 1, "currency": "INR", "clicks": 2, "conversion_rate": "0.50", "expected_payout": 220,
    }  # fmt: skip
    assert len(series) == 30
    assert (series[-1]["amount"], sum(day["amount"] for day in series)) == (220, 220)


def test_earnings_by_status_level_and_month(api, team):
    approve(team, 0)
    reject_commission(
        commission=Commission.objects.get(user=team["ann"].user, order=team["orders"][2]), reason="x", actor=SYSTEM
    )

    body = api(team["ann"].user).get(f"{URL}/affiliate/stats").json()

    assert {key: value for key, value in body["by_status"].items() if value["count"]} == {
        "approved": {"count": 1, "amount": 100}, "pending": {"count": 1, "amount": 100}, "rejected": {"count": 1, "amount": 20},
    }  # fmt: skip
    assert body["by_level"] == {"1": {"count": 1, "amount": 100}, "2": {"count": 1, "amount": 100}}
    assert [row["amount"] for row in body["by_month"]] == [200]


def test_what_the_people_below_bought(api, team, deliver):
    refund_order(team["orders"][2])
    guest = make_order(None, ("addon", 300), below=team["ben"])
    deliver()

    rows = api(team["ann"].user).get(f"{URL}/affiliate/services").json()["results"]

    told = {
        row["order_id"]: (row["category"], row["amount"], row["commission"], row["status"], row["level"])
        for row in rows
    }
    assert told == {
        str(team["orders"][0].pk): ("server", 1000, 100, "active", 1),
        str(team["orders"][1].pk): ("server", 2000, 100, "active", 2),
        str(team["orders"][2].pk): ("domain", 400, 0, "cancelled", 2),
        str(guest.pk): ("addon", 300, 15, "active", 2),
    }
    assert api(team["cara"].user).get(f"{URL}/affiliate/services").json()["results"] == []


def test_a_service_shows_how_it_stands(api, team):
    report = make_report(("server", 500), buyer=team["ben"])
    lines = tuple(replace(line, period="month") for line in report.lines)
    record_external_order(report=replace(report, lines=lines), actor=SYSTEM)
    service, ann = Service.objects.get(), api(team["ann"].user)

    def told(**query):
        rows = ann.get(f"{URL}/affiliate/services", query).json()["results"]
        return [(row["amount"], row["status"]) for row in rows if row["recurring"]]

    assert told() == [(500, "active")]
    cancel_service(service=service, actor=SYSTEM)

    assert (told(status="cancelled"), told(status="active")) == ([(500, "cancelled")], [])
    assert ann.get(f"{URL}/affiliate/services", {"status": "lost"}).status_code == 400


def test_an_expected_payout_says_how_it_was_guessed(api, team):
    approve(team, 0)

    body = api(team["ann"].user).get(f"{URL}/affiliate/expected-payout").json()

    assert (body["available"], body["pending"]) == (100, 120)
    assert body["total"] == 220 + body["projected"]
    assert "÷ 90" in body["method"]


def test_staff_see_the_whole_site(api, team, make_user):
    approve(team, 0)
    manager = make_user("manager@example.com", roles=["affiliate_manager"])

    body = api(manager).get(f"{URL}/admin/stats").json()

    assert body["partners"] == {"total": 3, "active": 3, "pending": 0, "inactive": 0, "frozen": 0}
    assert (body["users"], body["max_depth"], body["clicks"]) == (4, 3, 2)
    assert body["orders"] == {"count": 3, "amount": 3400, "refunded": 0}
    assert body["commissions"]["approved"] == {"count": 1, "amount": 100}
    assert api(team["ann"].user).get(f"{URL}/admin/stats").status_code == 403


def test_staff_have_no_overview_of_their_own(api, make_user):
    manager = make_user("manager@example.com", roles=["affiliate_manager"])

    assert api(manager).get(f"{URL}/affiliate/dashboard").status_code == 404
