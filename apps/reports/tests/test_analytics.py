"""Staff analytics against hand-computed numbers (W4, api.md Staff analytics)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.accounts.models import Membership
from apps.activities.services import run_activity
from apps.activities.services.finishing import fail_activity
from apps.activities.tests.factories import make_enterprise, make_form, offer
from apps.audit.services import SYSTEM, record
from apps.commissions.tests.factories import make_order, refund_order
from apps.core.errors import Invalid
from apps.referrals.services import set_partner_status
from apps.referrals.tests.factories import make_partner
from apps.reports import selectors
from apps.sites import registry
from apps.sites.models import Site
from apps.sites.selectors import site_day

URL = "/api/v1/admin/analytics"
NONE = {"activities": 0, "activity_amount": 0}


@pytest.fixture
def buyer(site):
    return make_partner()


def paid(buyer, moment, amount):
    return make_order(buyer, ("server", amount), paid_at=moment)


@pytest.fixture
def analyst(api, make_user):
    return api(make_user("analyst@example.com", roles=["affiliate_manager"], user_type="staff"))


def test_revenue_of_every_day_month_and_year(site, buyer, analyst):
    paid(buyer, datetime(2024, 2, 29, 12, tzinfo=UTC), 1_000)
    paid(buyer, datetime(2026, 1, 1, 0, 0, tzinfo=UTC), 500)
    refunded = paid(buyer, datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC), 300)
    paid(buyer, datetime(2026, 1, 3, 0, 0, tzinfo=UTC), 70)
    refund_order(refunded, 100)

    days = analyst.get(f"{URL}/revenue?period=day&from=2026-01-01&to=2026-01-03").json()
    months = analyst.get(f"{URL}/revenue?period=month&from=2025-12-15&to=2026-01-10").json()
    years = analyst.get(f"{URL}/revenue?period=year").json()

    assert days == {
        "from": "2026-01-01", "to": "2026-01-03", "period": "day", "currency": "INR",
        "total": {"orders": 3, "amount": 870, "refunded": 100, "net": 770, **NONE, "revenue": 770},
        "series": [
            {"date": "2026-01-01", "orders": 2, "amount": 800, "refunded": 100, "net": 700, **NONE, "revenue": 700},
            {"date": "2026-01-02", "orders": 0, "amount": 0, "refunded": 0, "net": 0, **NONE, "revenue": 0},
            {"date": "2026-01-03", "orders": 1, "amount": 70, "refunded": 0, "net": 70, **NONE, "revenue": 70},
        ],
    }  # fmt: skip
    assert (months["from"], months["to"]) == ("2025-12-01", "2026-01-31")
    assert [(row["date"], row["net"]) for row in months["series"]] == [("2025-12-01", 0), ("2026-01-01", 770)]
    assert [(row["date"], row["net"]) for row in years["series"]] == [
        ("2024-01-01", 1_000), ("2025-01-01", 0), ("2026-01-01", 770),
    ]  # fmt: skip


def test_revenue_has_activities_beside_orders_and_says_which_is_which(site, buyer, analyst):
    offer(report=1_000, form=500)
    make_form()
    member = make_enterprise(funds=10_000)
    make_order(buyer, ("server", 7_000))
    run_activity(user=member.user, type="report_generation")
    run_activity(user=member.user, type="form_download")
    failed = run_activity(user=member.user, type="report_generation", params={"format": "xlsx"}, at_once=-1)
    fail_activity(activity_id=failed.pk, failure="no")

    for period in ("day", "month", "year"):
        body = analyst.get(f"{URL}/revenue?period={period}").json()
        assert body["total"] == {
            "orders": 1, "amount": 7_000, "refunded": 0, "net": 7_000, "activities": 2, "activity_amount": 1_500,
            "revenue": 8_500,
        }  # fmt: skip
        assert body["series"][-1]["revenue"] == 8_500


def test_a_day_is_the_sites_own(site, buyer):
    Site.objects.filter(pk=site.pk).update(time_zone="Asia/Kolkata")
    registry.forget()
    paid(buyer, datetime(2026, 1, 1, 18, 29, tzinfo=UTC), 100)  # 23:59 in Kolkata
    paid(buyer, datetime(2026, 1, 1, 18, 30, tzinfo=UTC), 20)  # midnight there

    found = selectors.revenue(period="day", first=date(2026, 1, 1), last=date(2026, 1, 2))

    assert [row.net for row in found.rows] == [100, 20]


def test_without_bounds_the_newest_unit_is_the_last(site, buyer):
    make_order(buyer)
    today = site_day()

    day, month, year = (selectors.revenue(period=period) for period in ("day", "month", "year"))

    assert (len(day.rows), day.rows[-1].start) == (30, today)
    assert (len(month.rows), month.rows[-1].start) == (12, today.replace(day=1))
    assert [row.start for row in year.rows] == [today.replace(month=1, day=1)]
    assert {found.total.orders for found in (day, month, year)} == {1}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=week", "period"), ("from=yesterday", "from"), ("to=2026-13-01", "to"), ("from=0001-01-01", "from"),
        ("from=2026-02-01&to=2026-01-01", "to"), ("period=day&from=2020-01-01&to=2026-01-01", "from"),
        ("form=2026-01-01", "form"),
    ],
)  # fmt: skip
def test_a_range_that_makes_no_sense_is_refused(analyst, query, field):
    answer = analyst.get(f"{URL}/revenue?{query}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_people_by_type_standing_and_day(site, analyst, make_user):
    gone = make_user("gone@example.com", is_active=False)
    make_user("firm@example.com", user_type="enterprise")
    make_user("clerk@example.com", user_type="sub_user")
    Membership.objects.filter(user=gone).update(joined_at=datetime.now(UTC) - timedelta(days=10))
    partner = make_partner()
    set_partner_status(partner=partner, status="frozen", reason="test", actor=SYSTEM)

    body = analyst.get(f"{URL}/users").json()

    series = body.pop("series")
    assert body == {
        "total": 5, "active": 4, "by_type": {"individual": 2, "enterprise": 1, "sub_user": 1, "staff": 1},
        "partners": {"total": 1, "pending": 0, "active": 0, "inactive": 0, "frozen": 1},
        "joined": {"today": 4, "last_7_days": 4, "last_30_days": 5},
    }  # fmt: skip
    assert (len(series), series[-1]["joined"], series[-11]["joined"]) == (30, 4, 1)


def test_enterprises_with_their_sub_users_and_what_they_bought(site, analyst, make_user):
    firm = make_user("firm@example.com", full_name="Firm Ltd", user_type="enterprise")
    at = Membership.objects.get(user=firm)
    clerk, gone = (
        make_user(f"{name}@example.com", user_type="sub_user", enterprise=at, is_active=name == "clerk")
        for name in ("clerk", "gone")
    )
    make_user("empty@example.com", user_type="enterprise")
    make_order(make_partner(user=firm), ("server", 1_000))
    refund_order(make_order(make_partner(user=clerk), ("server", 500)), 200)
    make_order(make_partner(), ("server", 9_000))

    rows = analyst.get(f"{URL}/enterprises").json()["results"]

    assert [(row["email"], row["sub_users"], row["amount"]) for row in rows] == [
        ("empty@example.com", 0, 0), ("firm@example.com", 2, 1_500),
    ]  # fmt: skip
    row = rows[1]
    assert (row["id"], row["name"], row["active_sub_users"]) == (str(firm.pk), "Firm Ltd", 1)
    assert (row["orders"], row["refunded"], row["currency"]) == (2, 200, "INR")
    assert "firm@example.com" in b"".join(analyst.get(f"{URL}/enterprises?format=csv").streaming_content).decode()
    assert gone.pk


def test_what_was_done_and_by_whom(site, analyst, make_user):
    today = site_day()
    boss = make_user("boss@example.com")
    before = analyst.get(f"{URL}/activities").json()["total"]
    for _ in range(3):
        record(actor=boss, action="payout.approved")
    record(actor=SYSTEM, action="commission.approved")

    body = analyst.get(f"{URL}/activities?from={today}&to={today}").json()

    assert body["total"] == before + 4
    assert (body["by_action"]["payout.approved"], body["by_action"]["commission.approved"]) == (3, 1)
    assert {"kind": "user", "name": "boss@example.com", "count": 3} in body["by_actor"]
    assert body["series"] == [{"date": today.isoformat(), "count": before + 4}]


def test_at_most_a_month_of_acts(site):
    with pytest.raises(Invalid):
        selectors.acts(first=date(2026, 1, 1), last=date(2026, 2, 1))
    assert len(selectors.acts(first=date(2026, 1, 1), last=date(2026, 1, 31))["series"]) == 31


def test_figures_are_the_sites_own(site, buyer, other_site, analyst):
    from apps.core.tenancy import site_context

    make_order(buyer, ("server", 100))
    with site_context(other_site.pk):
        make_order(make_partner(), ("server", 900))

    assert analyst.get(f"{URL}/revenue").json()["total"]["amount"] == 100
    assert analyst.get(f"{URL}/users").json()["partners"]["total"] == 1


@pytest.mark.parametrize(("path", "queries"), [("revenue", 7), ("users", 8), ("activities", 11)])
def test_a_report_takes_as_many_queries_whatever_there_is(analyst, buyer, path, queries, django_assert_num_queries):
    analyst.get(f"{URL}/{path}")
    with django_assert_num_queries(queries):
        analyst.get(f"{URL}/{path}")
    for _ in range(3):
        make_order(make_partner())
    with django_assert_num_queries(queries):
        analyst.get(f"{URL}/{path}")
