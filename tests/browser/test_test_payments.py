"""The page that stands in for Stripe's card form, in a browser: readable, by keyboard, without script."""

import pytest
import stripe

from tests.browser.test_pages import serious


@pytest.fixture
def intent(fake_stripe):
    keys = fake_stripe.register()
    client = stripe.StripeClient(keys["secret_key"], base_addresses={"api": fake_stripe.url}, max_network_retries=0)
    params = {"amount": 49900, "currency": "inr", "description": "Activation", "metadata": {"site": "ALPHA"}}
    return client.v1.payment_intents.create(params)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium, fake_stripe, intent, scheme):
    context = chromium.new_context(viewport={"width": 360, "height": 780}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()

    for path in (f"/pay/{intent.client_secret}", "/", f"/payments/{intent.id}"):
        page.goto(f"{fake_stripe.url}{path}")
        assert serious(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    fake_stripe.pay(intent.id)
    for path in (f"/pay/{intent.client_secret}", f"/payments/{intent.id}"):
        page.goto(f"{fake_stripe.url}{path}")
        assert serious(page) == [], path
    context.close()


def test_paying_needs_a_keyboard_and_no_script(chromium, fake_stripe, intent):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{fake_stripe.url}/pay/{intent.client_secret}")

    page.get_by_label("A card that is declined").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Your card was declined.").wait_for()
    page.get_by_label("A card that works").focus()
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Paid").wait_for()
    context.close()
