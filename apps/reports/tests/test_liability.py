"""What was owed at any instant of the past equals what was owed then (X9)."""

import csv
import io
from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from apps.backoffice.selectors.books import make_books
from apps.commissions.models import Commission
from apps.core.tenancy import site_context
from apps.payouts.gateways import WALLET
from apps.payouts.models import Payout, PayoutBatch
from apps.referrals.tests.factories import make_partner
from apps.reports.selectors import liability
from apps.reports.tests.program import Story
from apps.wallet.models import Balance
from apps.wallet.selectors import contradictions

URL = "/api/v1/admin/analytics/liability"


@pytest.fixture
def analyst(api, make_user):
    return api(make_user("analyst@example.com", roles=["affiliate_manager"], user_type="staff"))


def now_from_the_raw_rows(site_id):
    """(instant, figures) by the balances, commissions and payouts of this moment."""
    with site_context(site_id):
        pockets = dict(Balance.objects.order_by().values_list("account__kind").annotate(Sum("balance")))
        pending = Commission.objects.filter(status="pending").aggregate(Sum("amount"))["amount__sum"] or 0
        left = Payout.objects.filter(status="completed").exclude(gateway=WALLET)  # those are still here, in the funds
        paid = left.aggregate(Sum("amount"))["amount__sum"] or 0
        figures = {
            "held": pending,
            "payable": pockets.get("earnings", 0),
            "in_flight": pockets.get("held", 0),
            "paid": paid,
            "funds": pockets.get("funds", 0),
            "clawed_back": -pockets.get("owed", 0),
        }
    return timezone.now(), figures


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_every_instant_is_remembered_as_it_was(shop, fake_stripe, seed):
    story = Story(shop, seed, fake_stripe)
    moments = [now_from_the_raw_rows(shop)]
    for doing in [*[None] * 100, *story.all_ends()]:
        story.happen(doing)
        moments.append(now_from_the_raw_rows(shop))

    with site_context(shop):
        told = [(at, liability(at=at)[0]) for at, _ in moments]

    for (_, then), (_, now) in zip(moments, told, strict=True):
        assert {name: getattr(now, name) for name in then} == then
        assert now.agrees
    happened = {name for _, figures in moments for name, amount in figures.items() if amount}
    assert happened == {"held", "payable", "in_flight", "paid", "funds", "clawed_back"}
    with site_context(shop):
        ends = set(Payout.objects.values_list("gateway", "status"))
        assert {("stripe_connect", "completed"), ("stripe_connect", "failed"), ("manual", "completed")} <= ends
        assert ("wallet", "completed") in ends
        assert PayoutBatch.objects.exclude(status="cancelled").exists()
        assert (make_books().agree, contradictions()) == (True, [])


def test_as_a_file(site, analyst):
    answer = analyst.get(f"{URL}?format=csv&at=2026-01-31")

    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline=""))
    assert (row["currency"], row["ledger"], row["agrees"]) == ("INR", "0.00", "true")
    assert row["at"].startswith("2026-01-31T23:59:59")
    for kind, begins in (("pdf", b"%PDF"), ("xlsx", b"PK")):
        assert b"".join(analyst.get(f"{URL}?format={kind}").streaming_content).startswith(begins)
    assert analyst.get(f"{URL}?format=docx").status_code == 400


def test_over_the_api(site, analyst):
    answer = analyst.get(URL)

    assert answer.status_code == 200
    body = answer.json()
    assert {"at", "currency", "held", "payable", "in_flight", "paid", "clawed_back", "ledger", "agrees"} <= set(body)
    assert (body["currency"], body["ledger"], body["agrees"]) == ("INR", 0, True)
    assert [row["currency"] for row in body["currencies"]] == ["INR"]


def test_a_plain_date_is_its_end_and_a_moment_is_itself(site, analyst):
    today = timezone.now().date()

    assert (
        analyst.get(f"{URL}?at={today - timedelta(days=2)}")
        .json()["at"]
        .startswith(f"{today - timedelta(days=2)}T23:59:59")
    )
    assert analyst.get(f"{URL}?at={today}").status_code == 200
    assert analyst.get(f"{URL}?at=2026-01-31T18:00:00%2B05:30").json()["at"] == "2026-01-31T12:30:00Z"
    assert analyst.get(f"{URL}?at=2026-01-31T18:00:00+05:30").json()["at"] == "2026-01-31T12:30:00Z"


@pytest.mark.parametrize(
    "at", ["soon", "2026-13-01", "2199-01-01", "2199-01-01T00:00:00Z", "1850-01-01", "2026-01-31T18:00", "", "%00"]
)
def test_what_is_no_past_moment_is_400(site, analyst, at):
    answer = analyst.get(f"{URL}?at={at}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "at")


def test_partners_may_not_ask(site, api):
    assert api(make_partner().user).get(URL).status_code == 403
