"""Buying in a browser: order, a card that is refused, one that works, and the order's page says that it is paid (P9)."""

import threading
import time

import pytest
from django.db import connections
from playwright.sync_api import expect

from apps.audit.services import SYSTEM
from apps.catalogue.tests.factories import make_product
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.payments import stripe_api
from apps.payments.services import set_stripe_account
from apps.sites import registry


@pytest.fixture
def worker(transactional_db):
    """Works off ALPHA's outbox while the test runs, as a worker does."""
    stop = threading.Event()

    def work():
        site_id = registry.by_code("ALPHA").pk
        while not stop.is_set():
            for consumer in sorted(outbox.consumers()):
                outbox.drain(site_id, consumer)
            time.sleep(0.1)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def shop(fake_stripe, live_server, settings, story):
    settings.STRIPE_API_BASE, settings.UPLINE_STRIPE_PAY_URL = fake_stripe.url, f"{fake_stripe.url}/pay/"
    keys = fake_stripe.register(webhook_url=f"{live_server.url}/webhooks/stripe/ALPHA")
    keys["account_id"] = keys.pop("account")
    with site_context(registry.by_code("ALPHA").pk):
        set_stripe_account(actor=SYSTEM, **keys)
        make_product(name="Small server", price=49_900, inventory=3)
    yield fake_stripe
    stripe_api._client.cache_clear()


def test_from_the_shelf_to_a_paid_order(visit, sign_in, shop, worker):
    page = sign_in(visit(viewport={"width": 360, "height": 780}))

    page.goto("/dashboard/shop")
    page.get_by_label("How many of Small server").fill("2")
    page.get_by_role("button", name="Order").click()
    page.get_by_role("link", name="Pay ₹998").click()
    page.get_by_label("A card that is declined").check()
    page.get_by_role("button", name="Pay INR").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    page.get_by_label("A card that works").check()
    page.get_by_role("button", name="Pay INR").click()

    expect(page.get_by_text("Thank you.")).to_be_visible(timeout=20_000)
    assert page.complaints == []
