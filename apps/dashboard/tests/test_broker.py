"""The broker account's page: only where the site wants it, and no key in it."""

import pytest

from apps.accounts.tests.browsers import browser_of
from apps.audit.services import SYSTEM
from apps.brokers.models import BrokerAccount
from apps.sites.services import change_settings
from fakes.brokers import FakeBrokers

URL = "/dashboard/broker"
KEYS = {
    "broker_name": "Zerodha",
    "client_id": "AB1234",
    "api_key": "kite-key-0123456789",
    "api_secret": "AB1234@session-987654",
}


@pytest.fixture
def browser(site, make_user, settings):
    server = FakeBrokers().start()
    settings.ZERODHA_API_BASE = f"{server.url}/zerodha"
    change_settings(changes={"broker_accounts": True}, actor=SYSTEM)
    yield browser_of(make_user("ann@example.com"), site)
    server.stop()


def test_it_is_connected_checked_and_removed(browser):
    assert browser.post(URL, KEYS).status_code == 302
    page = browser.get(f"{URL}?asked").content.decode()

    assert "Your broker account is connected." in page
    assert "••••6789" in page
    assert not any(secret in page for secret in (KEYS["api_key"], KEYS["api_secret"]))
    assert browser.post(f"{URL}/check").status_code == 302
    assert browser.post(f"{URL}/remove").status_code == 302
    assert not BrokerAccount.objects.exists()
    assert browser.post(f"{URL}/check").status_code == 404


def test_a_refusal_is_told_and_what_is_no_key_is_not_kept(browser):
    browser.post(URL, KEYS | {"api_key": "refuse-this-one-123"})
    assert "Zerodha says: Incorrect" in browser.get(URL).content.decode()

    wrong = browser.post(URL, KEYS | {"api_key": "with a space"})

    assert wrong.status_code == 400
    assert "with a space" not in wrong.content.decode()


def test_where_the_site_connects_none_there_is_no_page(browser):
    change_settings(changes={"broker_accounts": False}, actor=SYSTEM)

    for path, send in (
        (URL, browser.get),
        (URL, browser.post),
        (f"{URL}/check", browser.post),
        (f"{URL}/remove", browser.post),
    ):
        assert send(path).status_code == 404
    assert "/dashboard/broker" not in browser.get("/dashboard/settings").content.decode()
