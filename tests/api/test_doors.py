"""Who may call from where: the content policy of every page, CSRF for sessions and for nothing else, CORS per site (P4, P5)."""

import json

import pytest
from django.test import Client

from apps.accounts.tests.browsers import browser_of
from apps.audit.services import SYSTEM
from apps.payments.tests.factories import event, make_account, send
from apps.referrals.tests.factories import make_partner
from apps.sites.models import SiteSettings
from apps.sites.services import change_settings

ME = "/api/v1/auth/me"
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' https://js.stripe.com",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self' https://api.stripe.com",
    "frame-src": "https://js.stripe.com https://hooks.stripe.com",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "manifest-src": "'self'",
}
PAGES = (
    "/", "/join", "/dashboard/signin", "/dashboard/", "/dashboard/nothing", "/admin/", "/admin/login/", "/admin/nothing/",
    "/api/docs/", "/api/schema/", "/health/", "/ready/", "/nothing", ME, "/api/v1/nothing", "/r/NOBODY",
)  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_has_the_whole_policy_and_nothing_unsafe(site, make_user, path):
    client = browser_of(make_user("boss@example.com", roles=["super_admin"]), site)

    answer = client.get(path)

    told = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";") if part.strip())
    assert told == POLICY
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"


def session_of(partner, site):
    client = browser_of(partner.user, site)
    client.handler.enforce_csrf_checks = True
    return client


def test_a_session_without_its_token_changes_nothing(site):
    partner = make_partner()
    client = session_of(partner, site)

    refused = client.patch(ME, json.dumps({"full_name": "Somebody Else"}), content_type="application/json")

    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    partner.user.refresh_from_db()
    assert partner.user.full_name != "Somebody Else"


@pytest.mark.parametrize("path", ["/dashboard/settings", "/dashboard/links", "/dashboard/payouts", "/admin/logout/"])
def test_nor_does_a_form_of_another_page(site, path):
    answer = session_of(make_partner(), site).post(path, {"full_name": "Somebody Else"})

    assert answer.status_code == 403


def test_a_session_with_its_token_may(site):
    partner = make_partner()
    client = session_of(partner, site)
    client.get("/dashboard/settings")
    token = next(cookie.value for name, cookie in client.cookies.items() if "csrf" in name)

    answer = client.patch(
        ME, json.dumps({"full_name": "Ann Other"}), content_type="application/json", headers={"x-csrftoken": token}
    )

    assert answer.status_code == 200


def test_a_token_needs_none_and_neither_do_webhooks_and_health(site, api):
    make_account()
    client = Client(enforce_csrf_checks=True)

    assert api(make_partner().user).patch(ME, {"full_name": "Ann Other"}).status_code == 200
    assert send(client, event("customer.created", {})).status_code == 200
    assert client.get("/health/").status_code == 200


SHOP = "https://shop.example"


@pytest.fixture
def shop(site):
    settings = SiteSettings.objects.get()
    settings.shop_origins = [SHOP]
    settings.save(update_fields=["shop_origins"])


def ask(origin, code="ALPHA", **headers):
    return Client().get(ME, headers={"origin": origin, "x-site-code": code, **headers})


def preflight(origin, **headers):
    asked = {
        "origin": origin, "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-site-code,idempotency-key",
    }  # fmt: skip
    return Client().options("/api/v1/orders", headers=asked | headers)


def test_pages_of_the_sites_shop_may_call(shop):
    answer, before = ask(SHOP), preflight(SHOP)

    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Credentials" not in answer
    assert before["Access-Control-Allow-Origin"] == SHOP
    assert {"authorization", "x-site-code", "idempotency-key"} <= set(
        before["Access-Control-Allow-Headers"].split(", ")
    )
    assert "origin" in answer["Vary"].lower()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://shop.example:444",
        "null",
    ],
)
def test_others_may_not(shop, origin):
    assert "Access-Control-Allow-Origin" not in ask(origin)
    assert "Access-Control-Allow-Origin" not in preflight(origin)


def test_nor_may_the_shop_of_another_site(shop, other_site):
    assert "Access-Control-Allow-Origin" not in ask(SHOP, code="BETA")


def test_pages_outside_of_the_api_answer_no_other_origin(shop):
    for path in ("/dashboard/signin", "/admin/login/", "/health/"):
        assert "Access-Control-Allow-Origin" not in Client().get(path, headers={"origin": SHOP, "x-site-code": "ALPHA"})


@pytest.mark.parametrize(("path", "status"), [("/api/v1/nothing", 404), (ME, 401)])
def test_what_went_wrong_can_be_read_by_the_shops_page(shop, path, status):
    answer = Client().get(path, headers={"origin": SHOP, "x-site-code": "ALPHA"})

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (status, SHOP)


def test_preflights_are_answered_from_memory(shop, other_site, django_assert_num_queries, monkeypatch):
    """Whatever origins they name, and however many sites there are."""
    monkeypatch.setattr("apps.sites.registry.KEEP_SECONDS", float("inf"))
    preflight(SHOP)

    with django_assert_num_queries(0):
        assert preflight(SHOP)["Access-Control-Allow-Origin"] == SHOP
        for number in range(3):
            assert "Access-Control-Allow-Origin" not in preflight(f"https://{number}.example")


def test_a_new_origin_may_call_at_once(shop, django_capture_on_commit_callbacks):
    preflight(SHOP)

    with django_capture_on_commit_callbacks(execute=True):
        change_settings(changes={"shop_origins": ["https://new.example"]}, actor=SYSTEM)

    assert preflight("https://new.example")["Access-Control-Allow-Origin"] == "https://new.example"
    assert "Access-Control-Allow-Origin" not in preflight(SHOP)
    assert "Access-Control-Allow-Origin" not in ask(SHOP)
