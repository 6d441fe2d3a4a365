"""The demo's deposits, its freeze and the enterprise's past, told by the services."""

import pytest

from apps.activities.models import Activity
from apps.bonuses.models import Bonus
from apps.core.tenancy import site_context
from apps.fraud.models import Freeze
from apps.onboarding.demo import outside
from apps.onboarding.demo.deposits import Deposits
from apps.onboarding.demo.sites import SITES, DemoSite
from apps.onboarding.demo.story import Story
from apps.onboarding.demo.workspace import tell_workspace
from apps.sites.calendar import first_of_month
from apps.sites.selectors import site_day
from apps.wallet.models import Deposit
from apps.wallet.selectors import contradictions

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
