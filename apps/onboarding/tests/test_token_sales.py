"""The demo's token sales, told with both fakes beside it."""

import pytest

from apps.accounts.models import User
from apps.allocations.models import Allocation, AllocationBatch, Transfer
from apps.core.tenancy import site_context
from apps.onboarding.demo import outside
from apps.onboarding.demo.sites import SITES, DemoSite
from apps.onboarding.demo.story import Story
from apps.onboarding.demo.tokens import Sales
from apps.orders.models import Order
from apps.payouts.models import OwnMethod
from fakes.fireblocks.server import FakeFireblocks

NA = next(demo for demo in SITES if demo.code == "NA")
DEMO = DemoSite("ALPHA", "Alpha", "INR", 0, people=7, plan=NA.plan, rules=NA.rules, products=NA.products)


@pytest.fixture
def services(transactional_alpha, settings, fake_stripe, monkeypatch, tmp_path):
    fireblocks = FakeFireblocks(0, tmp_path / "fireblocks.sqlite3").start()
    settings.STRIPE_API_BASE, settings.UPLINE_STRIPE_PAY_URL = fake_stripe.url, f"{fake_stripe.url}/pay/"
    settings.FIREBLOCKS_API_BASE = fireblocks.url
    settings.FIREBLOCKS_JWKS_URL = f"{fireblocks.url}/.well-known/jwks.json"
    monkeypatch.setitem(outside.TOKENS, "ALPHA", "UPAL")
    yield outside.running()
    fireblocks.stop()


@pytest.fixture
def sales(transactional_alpha, services):
    story = Story(DEMO, transactional_alpha, "demo-password-1")
    story.fill_shelf()
    story.tell()
    with site_context(transactional_alpha):
        for service in services:
            service.sign_up("ALPHA", "Alpha")
    return Sales(DEMO, transactional_alpha, services)


def told(site_id):
    with site_context(site_id):
        rows = Allocation.objects.select_related("order__user").order_by("id")
        allocations = [(row.order.user.email.split("@")[0], row.status, bool(row.tx_hash), row.reason) for row in rows]
        return allocations, Transfer.objects.count(), AllocationBatch.objects.count(), Order.objects.count()


@pytest.mark.django_db(transaction=True)
def test_allocations_are_in_every_state(sales, transactional_alpha):
    sales.tell()

    allocations, transfers, batches, _ = told(transactional_alpha)
    assert allocations == [
        ("partner", "completed", True, ""),
        ("p01", "completed", True, ""),
        ("p02", "failed", False, "FAILED: INSUFFICIENT_FUNDS"),
        ("p03", "processing", False, ""),
        ("p04", "pending", False, ""),
        ("p05", "pending", False, ""),
    ]
    assert (transfers, batches) == (4, 1)
    with site_context(transactional_alpha):
        partner = User.objects.get(email="partner@alpha.example")
        assert OwnMethod.objects.filter(user=partner, kind="crypto").count() == 1
        waiting = Order.objects.get(allocations__status="processing")
        assert waiting.status == "paid"


@pytest.mark.django_db(transaction=True)
def test_told_again_it_adds_nothing(sales, transactional_alpha):
    sales.tell()
    once = told(transactional_alpha)

    sales.tell()

    assert told(transactional_alpha) == once


@pytest.mark.django_db(transaction=True)
def test_without_both_fakes_nothing_is_sold(sales, transactional_alpha, services):
    Sales(DEMO, transactional_alpha, services[:1]).tell()

    assert told(transactional_alpha)[:3] == ([], 0, 0)
