"""Buying in a browser: from the shelf over the pay page that stands in for Stripe's to an order that tells by itself that it is
paid (P9)."""

import threading

import pytest

from apps.audit.services import SYSTEM
from apps.catalogue import shelf
from apps.catalogue.tests.factories import make_product
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.payments.services import set_stripe_account
from tests.browser.test_pages import serious


@pytest.fixture
def shop(story, transactional_alpha, fake_stripe, live_server, settings):
    """ALPHA sells two things, takes money at a Stripe of our own, and hears from it."""
    keys = fake_stripe.register(webhook_url=f"{live_server.url}/webhooks/stripe/ALPHA")
    keys["account_id"] = keys.pop("account")
    settings.STRIPE_API_BASE = fake_stripe.url
    settings.UPLINE_STRIPE_PAY_URL = f"{fake_stripe.url}/pay/"
    with site_context(transactional_alpha):
        set_stripe_account(actor=SYSTEM, **keys)
        make_product(sku="vps", name="Cloud VPS", price=1_198_800)
        make_product(sku="last", name="The last one", inventory=1)
        shelf.forget()
    return transactional_alpha


@pytest.fixture
def worker(shop):
    """What the worker does: the outbox is worked off while the browser waits."""
    over = threading.Event()

    def work():
        from django.db import connection

        while not over.wait(0.1):
            for consumer in sorted(outbox.consumers()):
                outbox.drain(shop, consumer)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def order(page, name, quantity="1"):
    page.goto("/dashboard/shop")
    page.get_by_label(f"How many of {name}").fill(quantity)
    page.get_by_role("button", name="Order").click()
    page.get_by_role("link", name="Pay ₹").wait_for()


def test_an_order_tells_by_itself_that_it_is_paid(visit, sign_in, shop, worker):
    page = sign_in(visit())
    order(page, "Cloud VPS", "2")
    page.get_by_role("link", name="Pay ₹23,976.00").click()

    page.get_by_label("A card that works").check()
    page.get_by_role("button", name="Pay").click()
    page.get_by_text("Waiting for the bank").wait_for()
    page.get_by_text("Thank you").wait_for(timeout=15_000)

    with site_context(shop):
        bought = Order.objects.get(source="checkout")
        assert (bought.status, bought.amount) == ("paid", 2_397_600)
    assert page.complaints == []


def test_a_declined_card_is_said_and_another_one_works(visit, sign_in, shop, worker):
    page = sign_in(visit(viewport={"width": 360, "height": 780}))
    order(page, "The last one")
    page.get_by_role("link", name="Pay ₹").click()
    page.get_by_label("A card that is declined").check()
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("alert").get_by_text("Your card was declined.").wait_for()

    page.goto("/dashboard/orders")
    for _ in range(50):  # this page doesn't come anew by itself, and the word is on its way
        if page.get_by_text("Payment failed").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    page.get_by_role("link", name="The last one").click()
    page.get_by_text("Your card was declined.").wait_for()
    page.get_by_role("link", name="Pay ₹").click()
    page.get_by_label("A card that works").check()
    page.get_by_role("button", name="Pay").click()
    page.get_by_text("Thank you").wait_for(timeout=15_000)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_every_page_of_it_is_for_everybody(visit, sign_in, shop, scheme, width):
    page, found = sign_in(visit(color_scheme=scheme, viewport={"width": width, "height": 800})), {}
    order(page, "Cloud VPS")
    here = page.url
    for path in ("/dashboard/shop", "/dashboard/orders", here, f"{here}?paid=1"):
        page.goto(path)
        found[path] = serious(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path

    assert {path: rules for path, rules in found.items() if rules} == {}
    assert page.complaints == []


STRIPE_JS = """
window.Stripe = key => ({
    elements: options => ({ create: kind => ({
        on: (what, then) => setTimeout(then),
        mount: where => { document.querySelector(where).textContent = `${kind} of ${key}: ${options.clientSecret}`; },
    }) }),
    confirmPayment: async ({ confirmParams }) => ({ error: { message: `Declined, else back to ${confirmParams.return_url}` } }),
});
"""


def test_the_card_form_is_stripes_own_within_the_policy(visit, sign_in, shop, settings):
    """With what Stripe's script offers in its place: that comes from Stripe's address, which no test can reach."""
    settings.UPLINE_STRIPE_PAY_URL = ""
    page = sign_in(visit())
    page.route("https://js.stripe.com/**", lambda route: route.fulfill(
        status=200, content_type="text/javascript", body=STRIPE_JS
    ))  # fmt: skip
    order(page, "Cloud VPS")
    page.get_by_role("link", name="Pay ₹").click()

    page.get_by_text("payment of pk_test_ALPHA: pi_").wait_for()
    assert serious(page) == []
    page.get_by_role("button", name="Pay ₹11,988.00").click()
    said = page.get_by_role("alert").inner_text()

    assert "Declined, else back to http://alpha.localhost" in said
    assert "/dashboard/orders/" in said
    assert page.complaints == []


def test_without_stripes_script_the_page_says_so(visit, sign_in, shop, settings):
    settings.UPLINE_STRIPE_PAY_URL = ""
    page = sign_in(visit())
    page.route("https://js.stripe.com/**", lambda route: route.abort())
    order(page, "Cloud VPS")
    page.get_by_role("link", name="Pay ₹").click()

    page.get_by_text("Stripe’s form could not be loaded.").wait_for()
    assert page.get_by_role("button", name="Pay ₹").is_disabled()
