"""The demo's deposits, its freeze and the enterprise's past, told by the services."""

import pytest

from apps.accounts.models import User
from apps.activities.models import Activity
from apps.bonuses.models import Bonus
from apps.core.tenancy import site_context
from apps.fraud.models import Freeze
from apps.onboarding.demo import outside, paying
from apps.onboarding.demo.deposits import Deposits
from apps.onboarding.demo.sites import SITES, DemoSite
from apps.onboarding.demo.story import Story
from apps.onboarding.demo.workspace import tell_workspace
from apps.payouts.models import ConnectAccount, Payout, PayoutBatch, PayoutBatchItem
from apps.sites.calendar import first_of_month
from apps.sites.selectors import site_day
from apps.wallet.models import Deposit
from apps.wallet.selectors import contradictions, wallet_summary

PASSWORD = "demo-password-1"


@pytest.mark.django_db(transaction=True)
def test_deposits_of_our_own_and_one_that_went_back(transactional_alpha, settings, fake_stripe):
    settings.STRIPE_API_BASE, settings.UPLINE_STRIPE_PAY_URL = fake_stripe.url, f"{fake_stripe.url}/pay/"
    demo = DemoSite("ALPHA", "Alpha", "INR", 0, people=3, bonuses=True)
    Story(demo, transactional_alpha, PASSWORD).tell()
    services = [service for service in outside.running() if service.name == "stripe"]
    with site_context(transactional_alpha):
        services[0].sign_up("ALPHA", "Alpha")

    for _ in range(2):
        Deposits(demo, transactional_alpha, services, PASSWORD).tell()

    with site_context(transactional_alpha):
        assert list(Deposit.objects.order_by("id").values_list("amount", "status")) == [
            (120_000, "paid"), (90_000, "refunded"),
        ]  # fmt: skip
        found = Bonus.objects.filter(deposit__isnull=False).order_by("id")
        assert list(found.values_list("status", "amount", "reversed_amount")) == [
            ("credited", 6_000, 0), ("reversed", 4_500, 4_500),
        ]  # fmt: skip
        assert contradictions() == []


def standing(site_id):
    """What partner@ has and may ask for, as the API tells it."""
    with site_context(site_id):
        user = User.objects.get(email="partner@alpha.example")
        found = wallet_summary(user.pk)
        open_ones = Payout.objects.filter(user=user, status__in=Payout.OPEN).count()
        return found.available, found.held, found.funds, open_ones, Payout.objects.filter(user=user).count()


def told_batches(site_id):
    with site_context(site_id):
        assert contradictions() == []
        assert not PayoutBatchItem.objects.filter(user__email="partner@alpha.example").exists()
        return [
            (batch.status, [(row.payout.status, row.payout.gateway) for row in batch.items.order_by("payout_id")])
            for batch in PayoutBatch.objects.order_by("id")
        ]


@pytest.mark.django_db(transaction=True)
def test_batches_by_stripe(transactional_alpha, settings, fake_stripe, monkeypatch):
    settings.STRIPE_API_BASE, settings.UPLINE_STRIPE_PAY_URL = fake_stripe.url, f"{fake_stripe.url}/pay/"
    monkeypatch.setattr(paying, "CONNECT", "ALPHA")
    na = next(demo for demo in SITES if demo.code == "NA")
    demo = DemoSite("ALPHA", "Alpha", "INR", 0, people=12, plan=na.plan, rules=na.rules, products=na.products)
    Story(demo, transactional_alpha, PASSWORD).tell()
    services = [service for service in outside.running() if service.name == "stripe"]
    with site_context(transactional_alpha):
        services[0].sign_up("ALPHA", "Alpha")
        boss = User.objects.create_user(email="owner@upline.example", password=None)
    before = standing(transactional_alpha)

    for _ in range(2):
        paying.Payers(demo, transactional_alpha, services, boss).tell()

    assert told_batches(transactional_alpha) == [
        ("closed", [("completed", "stripe_connect")]), ("proposed", [("approved", "stripe_connect")]),
    ]  # fmt: skip
    assert standing(transactional_alpha) == before
    with site_context(transactional_alpha):
        account = ConnectAccount.objects.get(method__user__email="partner@alpha.example")
    assert account.state == "ready"
    assert len(fake_stripe.server.store.listed(account_of("ALPHA"), "transfer", limit=10)) == 1


def account_of(code):
    return f"acct_demo_{code}"


@pytest.mark.django_db(transaction=True)
def test_batches_by_hand(transactional_alpha, monkeypatch):
    monkeypatch.setattr(paying, "BY_HAND", "ALPHA")
    hosting = next(demo for demo in SITES if demo.code == "HOSTING")
    demo = DemoSite(
        "ALPHA", "Alpha", "INR", 0, people=26, plan=hosting.plan, rules=hosting.rules, products=hosting.products
    )
    Story(demo, transactional_alpha, PASSWORD).tell()
    with site_context(transactional_alpha):
        boss = User.objects.create_user(email="owner@upline.example", password=None)
    before = standing(transactional_alpha)

    for _ in range(2):
        paying.Payers(demo, transactional_alpha, [], boss).tell()

    assert told_batches(transactional_alpha) == [
        ("closed", [("completed", "manual"), ("failed", "manual")]), ("sent", [("processing", "manual")]),
    ]  # fmt: skip
    assert standing(transactional_alpha) == before
    with site_context(transactional_alpha):
        assert Payout.objects.get(status="failed").reason == "The bank knows no account of this number"


@pytest.mark.django_db(transaction=True)
def test_somebody_is_frozen_with_what_depends_on_them(transactional_alpha):
    trading = SITES[0]
    demo = DemoSite(
        "ALPHA", "Alpha", "INR", 0, people=12, settings={"broker_accounts": True}, plan=trading.plan, rules=trading.rules,
        products=trading.products,
    )  # fmt: skip
    Story(demo, transactional_alpha, PASSWORD).tell()

    with site_context(transactional_alpha):
        freeze = Freeze.objects.select_related("partner").get()
        assert (freeze.status, freeze.partner.status) == ("active", "frozen")
        assert freeze.items.filter(kind="commission").exists()


def test_the_enterprise_has_a_past(site, make_user):
    staff = {"admin": make_user("admin@alpha.example", roles=["admin"], user_type="staff")}
    demo = DemoSite("ALPHA", "Alpha", "INR", 0, people=3)
    Story(demo, site.pk, PASSWORD).join("partner", "Meera Krishnan", None)
    tell_workspace(demo, site.pk, PASSWORD, staff)

    rows = Activity.objects.exclude(status="failed").values_list("created_at", flat=True)
    days = {site_day(moment) for moment in rows}
    assert len(days) == 13
    assert len({first_of_month(day) for day in days}) >= 3
    assert contradictions() == []
