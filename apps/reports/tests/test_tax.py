"""A tax year: what was earned, taken back, paid out and moved to funds, in the calendar of the site."""

import csv
import io
from datetime import date

import pytest
import time_machine

from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import approve_commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan, refund_order
from apps.core.tenancy import site_context
from apps.payouts.services import approve_payout, process_payout, request_payout
from apps.referrals.tests.factories import make_partner
from apps.reports import periods, tax
from apps.reports.tests.program import Story
from apps.sites.services import change_settings, change_site
from apps.wallet.models import Account
from apps.wallet.selectors import wallet_summary
from apps.wallet.services import transfer_to_funds
from apps.wallet.tests.factories import give_earnings

OWN, STAFF = "/api/v1/wallet/tax-summary", "/api/v1/admin/payouts/tax-summary"
ZERO = dict.fromkeys(
    (
        "commissions", "bonuses", "credits", "earned", "reversed", "clawed_back", "net", "paid_out", "transferred",
        "deposit_debt",
    ),
    0,
)  # fmt: skip


@pytest.fixture
def years(site, make_user, deliver):
    """Ann in India, whose years begin in April, 18:30 UTC of March's last day. In 2025: a commission of 100.00, of which 60.00
    are paid out and 10.00 moved to funds. In 2026: the sale is refunded: the 30.00 that were left are reversed, 70.00 clawed
    back; then a credit of 80.00."""
    change_site(changes={"time_zone": "Asia/Kolkata"}, actor=SYSTEM)
    change_settings(changes={"tax_year_month": 4}, actor=SYSTEM)
    with time_machine.travel("2026-03-02 10:00+00:00", tick=True):
        make_plan(*percent("0.10"))
        ann = make_partner(user=make_user("ann@example.com", full_name="Ann"))
        order = make_order(make_partner(sponsor=ann), ("server", 100_000))
        deliver()
        approve_commission(commission=Commission.objects.get(), actor=SYSTEM)
        payout = approve_payout(payout=request_payout(user=ann.user, amount=6_000), actor=SYSTEM)
    with time_machine.travel("2026-03-31 18:29+00:00", tick=False):
        process_payout(payout=payout, actor=SYSTEM)
        transfer_to_funds(user_id=ann.user_id, amount=1_000, currency="INR")
    with time_machine.travel("2026-03-31 18:31+00:00", tick=False):
        refund_order(order, 100_000)
        deliver()
    with time_machine.travel("2026-06-15 12:00+00:00", tick=False):
        give_earnings(ann.user, 8_000)
    return ann


@pytest.mark.django_db
def test_a_clawback_counts_in_the_year_of_the_refund(api, years):
    client = api(years.user)

    before, after = client.get(OWN, {"year": 2025}).json(), client.get(OWN, {"year": 2026}).json()

    assert (before["year"], before["from"], before["to"]) == (2025, "2025-04-01", "2026-03-31")
    march = {**ZERO, "commissions": 10_000, "earned": 10_000, "net": 10_000, "paid_out": 6_000, "transferred": 1_000}
    assert before["total"] == march
    assert (before["opening"], before["closing"], len(before["months"])) == (0, 3_000, 12)
    assert before["months"][-1] == {"month": "2026-03", **march}
    assert all(row == {**ZERO, "month": row["month"]} for row in before["months"][:-1])
    assert after["total"] == {
        **ZERO,
        "credits": 8_000,
        "earned": 8_000,
        "reversed": 3_000,
        "clawed_back": 7_000,
        "net": -2_000,
    }
    assert (after["opening"], after["closing"]) == (3_000, 1_000)
    assert [(row["reversed"], row["clawed_back"]) for row in after["months"]] == [(3_000, 7_000), *[(0, 0)] * 11]
    assert [row["credits"] for row in after["months"]] == [0, 0, 8_000, *[0] * 9]
    assert wallet_summary(years.user_id).balance == after["closing"]


@pytest.mark.django_db
def test_what_is_reversed_before_it_is_paid_is_no_clawback(api, site, make_user, deliver):
    make_plan(*percent("0.10"))
    ann = make_partner(user=make_user("ann@example.com"))
    order = make_order(make_partner(sponsor=ann), ("server", 100_000))
    deliver()
    approve_commission(commission=Commission.objects.get(), actor=SYSTEM)
    refund_order(order, 25_000)
    deliver()

    total = api(ann.user).get(OWN).json()["total"]

    assert (total["earned"], total["reversed"], total["clawed_back"], total["net"]) == (10_000, 2_500, 0, 7_500)


@pytest.mark.django_db
def test_staff_see_everybody_who_moved(api, years, make_user):
    ben = make_user("ben@example.com", full_name="Ben")
    with time_machine.travel("2026-05-01 12:00+00:00", tick=False):
        give_earnings(ben, 500)
    client = api(make_user("payouts@example.com", roles=["payout_manager"], user_type="staff"))

    first = client.get(STAFF, {"year": 2026, "limit": 1}).json()
    second = client.get(first["next"]).json()

    rows = [*first["results"], *second["results"]]
    assert [(row["email"], row["earned"], row["clawed_back"], row["closing"]) for row in rows] == [
        ("ben@example.com", 500, 0, 500), ("ann@example.com", 8_000, 7_000, 1_000),
    ]  # fmt: skip
    assert second["next"] is None
    assert [row["email"] for row in client.get(STAFF, {"year": 2025}).json()["results"]] == ["ann@example.com"]
    assert client.get(STAFF, {"year": 2024}).json()["results"] == []
    file = csv.DictReader(
        io.StringIO(b"".join(client.get(STAFF, {"year": 2026, "format": "csv"}).streaming_content).decode())
    )
    assert [(row["name"], row["earned"], row["clawed_back"]) for row in file] == [
        ("Ben", "5.00", "0.00"),
        ("Ann", "80.00", "70.00"),
    ]


@pytest.mark.django_db
def test_one_persons_year_for_staff_is_what_they_see_themselves(api, years, make_user):
    client = api(make_user("payouts@example.com", roles=["payout_manager"], user_type="staff"))
    url = f"{STAFF}/{years.user_id}"

    assert client.get(url, {"year": 2026}).json() == api(years.user).get(OWN, {"year": 2026}).json()
    pdf = client.get(url, {"year": 2026, "format": "pdf"})
    assert b"".join(pdf.streaming_content).startswith(b"%PDF")
    assert 'filename="ALPHA-tax-summary-2026-27-' in pdf["Content-Disposition"]
    assert client.get(f"{STAFF}/{make_user().pk}").status_code == 200
    assert client.get(f"{STAFF}/00000000-0000-7000-8000-000000000000").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("year", ["2190", "soon", "1850", "26", "-1"])
def test_what_is_no_year_is_400(api, years, year):
    answer = api(years.user).get(OWN, {"year": year})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "year")


@pytest.mark.django_db
def test_partners_dont_see_others(api, years):
    assert api(years.user).get(STAFF).status_code == 403
    assert api(years.user).get(f"{STAFF}/{years.user_id}").status_code == 403


@pytest.mark.django_db
def test_a_year_is_that_of_the_site(site):
    change_settings(changes={"tax_year_month": 4}, actor=SYSTEM)

    with time_machine.travel("2026-03-31 12:00+00:00", tick=False):
        before = periods.present_tax_year()
    with time_machine.travel("2026-04-01 12:00+00:00", tick=False):
        after = periods.present_tax_year()

    assert (before.first, before.last, before.title) == (date(2025, 4, 1), date(2026, 3, 31), "2025-26")
    assert (after.first, after.last, after.months[-1]) == (date(2026, 4, 1), date(2027, 3, 31), date(2027, 3, 1))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [8, 9])
def test_the_figures_are_all_that_ever_changes_the_balance(shop, fake_stripe, seed):
    story = Story(shop, seed, fake_stripe)
    for _ in range(140):
        story.happen()

    with site_context(shop):
        year = periods.present_tax_year()
        people = set(Account.objects.exclude(user=None).values_list("user_id", flat=True))
        told = tax.summaries(people, year)
        for user_id, row in told.items():
            assert row.opening + row.total.change == row.closing == wallet_summary(user_id).balance
            assert row.begun[-1][2] == row.closing
        moved = {account.user_id for account in tax.who_moved(year)}
        assert moved == {user for user, row in told.items() if row.total != tax.Figures() or row.closing}
    assert {story.top.user_id, story.middle.user_id} <= moved
