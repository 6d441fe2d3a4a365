"""Staff at a site that wants more of them: two-factor before anything, and a fresh code before money moves (W12)."""

import time

import pytest

from apps.accounts.models import ApiKey, SignIn
from apps.accounts.tests.authenticator import enrol
from apps.accounts.tests.browsers import browser_of
from apps.accounts.tokens import AccessToken, issue_access
from apps.core.tenancy import site_context
from apps.payouts.models import Payout
from apps.payouts.services import request_payout
from apps.rbac.models import PlatformRole
from apps.rbac.services import give_affiliate_role
from apps.sites.models import SiteSettings
from apps.wallet.tests.factories import give_earnings
from tests.permissions.routes import api_routes

URL = "/api/v1/auth"
HOUR = 3600


@pytest.fixture
def manager(make_user):
    return make_user("manager@example.com", roles=["affiliate_manager", "payout_manager"])


@pytest.fixture
def payout(make_user):
    ann = make_user("ann@example.com")
    give_earnings(ann, 5000)
    return request_payout(user=ann, amount=1000)


def signed_in_ago(api, user, site, seconds):
    """A client whose token says so."""
    client = api(user)
    sign_in = SignIn.objects.filter(user=user).order_by("-id").first()
    token = AccessToken(issue_access(user=user, site=site, sign_in=sign_in))
    token["auth_time"] = int(time.time()) - seconds
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def approve(client, payout):
    answer = client.post(f"/api/v1/payouts/{payout.pk}/approve")
    payout.refresh_from_db()
    return answer.status_code, answer.json().get("code", ""), payout.status


def test_an_old_sign_in_gives_a_code_before_money_moves(api, manager, payout, site):
    app, _ = enrol(manager)
    client = signed_in_ago(api, manager, site, HOUR)
    assert approve(client, payout) == (403, "step_up_required", "requested")
    assert client.get("/api/v1/payouts").status_code == 200

    wrong = client.post(f"{URL}/step-up", {"otp": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "otp_invalid")
    assert approve(client, payout) == (403, "step_up_required", "requested")
    access = client.post(f"{URL}/step-up", {"otp": app.code()}).json()["access"]

    assert approve(client, payout) == (403, "step_up_required", "requested")  # the old token stays as old as it is
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    assert approve(client, payout) == (200, "", "approved")


def test_the_proof_outlives_a_rotation(api, manager, site):
    app, _ = enrol(manager)
    client = api()
    manager.set_password("correct horse battery")
    manager.save(update_fields=["password"])
    body = {"email": manager.email, "password": "correct horse battery", "otp": app.code(-1)}
    pair = client.post(f"{URL}/token", body).json()
    before = AccessToken(pair["access"])["auth_time"]
    SignIn.objects.update(authenticated_at="2026-01-01T00:00Z")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")

    stepped = AccessToken(client.post(f"{URL}/step-up", {"otp": app.code()}).json()["access"])
    rotated = AccessToken(api().post(f"{URL}/token/refresh", {"refresh": pair["refresh"]}).json()["access"])

    assert stepped["auth_time"] >= before
    assert rotated["auth_time"] == stepped["auth_time"]
    assert rotated["sid"] == stepped["sid"]


def test_without_two_factor_or_with_the_setting_off_nobody_is_asked(api, manager, payout, site):
    assert approve(signed_in_ago(api, manager, site, HOUR), payout)[0] == 200

    enrol(manager)
    SiteSettings.objects.update(step_up_minutes=0)

    process = signed_in_ago(api, manager, site, 30 * HOUR).post(f"/api/v1/payouts/{payout.pk}/process", {})
    assert process.status_code == 200


def test_a_key_of_a_server_is_never_asked(api, site):
    from apps.accounts.services import create_api_key
    from apps.audit.services import SYSTEM
    from apps.orders.tests.factories import make_order

    order = make_order()
    _, raw = create_api_key(name="shop", scopes=["orders.write"], actor=SYSTEM, access=None)

    answer = api(key=raw).post(f"/api/v1/orders/{order.pk}/refunds", {"external_id": "R-1", "amount": 1})

    assert answer.status_code == 201


def test_the_dashboards_session_is_asked_and_renewed_too(manager, payout, site):
    app, _ = enrol(manager)
    browser = browser_of(manager, site, signed_in_ago=HOUR)
    assert approve(browser, payout) == (403, "step_up_required", "requested")

    answer = browser.post(f"{URL}/step-up", {"otp": app.code()}, content_type="application/json")

    assert (answer.status_code, answer.json()) == (200, {"access": None})
    assert approve(browser, payout) == (200, "", "approved")


def test_an_old_sign_in_makes_no_key_that_would_not_be_asked(api, make_user, site):
    owner = make_user("owner@example.com", roles=["super_admin"])
    enrol(owner)
    client = signed_in_ago(api, owner, site, HOUR)

    answer = client.post("/api/v1/api-keys", {"name": "Bank", "scopes": ["payout.manage"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert not ApiKey.objects.exists()


def test_the_routes_that_ask_are_these():
    asking = sorted(str(route) for route in api_routes() if route.view.access[route.method].step_up)

    assert asking == [
        "DELETE api/v1/payout-methods/<uuid:pk>",
        "PATCH api/v1/admin/referral/bonus/<uuid:pk>/status",
        "POST api/v1/admin/allocations/<uuid:pk>/retry",
        "POST api/v1/admin/allocations/batches",
        "POST api/v1/admin/fraud/reviews/<uuid:pk>/clear",
        "POST api/v1/admin/payouts/batches",
        "POST api/v1/admin/payouts/batches/<uuid:pk>/approve",
        "POST api/v1/admin/payouts/batches/<uuid:pk>/bank-file",
        "POST api/v1/admin/payouts/batches/<uuid:pk>/cancel",
        "POST api/v1/admin/payouts/batches/<uuid:pk>/close",
        "POST api/v1/admin/payouts/batches/<uuid:pk>/refresh",
        "POST api/v1/admin/payouts/batches/<uuid:pk>/results",
        "POST api/v1/api-keys",
        "POST api/v1/api-keys/<uuid:pk>/rotate",
        "POST api/v1/commissions/<uuid:commission_id>/approve",
        "POST api/v1/commissions/approve",
        "POST api/v1/orders/<uuid:pk>/refunds",
        "POST api/v1/payout-methods",
        "POST api/v1/payout-methods/<uuid:pk>/onboarding",
        "POST api/v1/payouts/<uuid:pk>/approve",
        "POST api/v1/payouts/<uuid:pk>/process",
        "POST api/v1/payouts/<uuid:pk>/reject",
        "POST api/v1/payouts/<uuid:pk>/retry",
        "POST api/v1/wallet/credits",
        "POST api/v1/wallet/deposits/<uuid:pk>/refunds",
        "PUT api/v1/admin/fraud/settings",
        "PUT api/v1/admin/referral/bonus/settings",
    ]


def test_staff_without_two_factor_hold_no_staff_key_where_the_site_wants_it(api, manager, payout, site):
    give_affiliate_role(user=manager)
    SiteSettings.objects.update(staff_two_factor=True)
    client = api(manager)

    assert approve(client, payout) == (403, "two_factor_required", "requested")
    assert client.get("/api/v1/payouts").json()["results"] == []  # as a partner: one's own
    me = client.get(f"{URL}/me").json()
    assert ("payout.approve" in me["permissions"], "payout.create" in me["permissions"]) == (False, True)
    assert me["two_factor_required"]
    enrol(manager)

    assert approve(client, payout) == (200, "", "approved")


def test_every_staff_route_says_two_factor_required(api, make_user, site):
    SiteSettings.objects.update(staff_two_factor=True)
    owner = make_user("owner@example.com", roles=["super_admin"])
    client, wrong = api(owner), []
    for route in api_routes():
        requirement = route.view.access[route.method]
        answer = client.generic(route.method, route.url(), "{}", content_type="application/json")
        code = answer.json().get("code") if answer.content else ""
        if (code == "two_factor_required") != (requirement.kind == "keys"):
            wrong.append(f"{route}: {answer.status_code} {code}")
    assert wrong == []


def test_who_runs_all_sites_is_staff_as_well(api, make_user, site, other_site):
    owner = make_user("owner@example.com")
    PlatformRole.objects.create(user=owner, role_key="super_admin")
    SiteSettings.objects.update(staff_two_factor=True)

    answer = api(owner).get("/api/v1/api-keys")

    assert (answer.status_code, answer.json()["code"]) == (403, "two_factor_required")
    with site_context(other_site.pk):
        assert not SiteSettings.objects.get().staff_two_factor


def test_partners_and_their_pages_are_left_alone(api, make_user):
    SiteSettings.objects.update(staff_two_factor=True)
    ann = make_user("ann@example.com")
    give_affiliate_role(user=ann)
    give_earnings(ann, 5000)

    assert api(ann).post("/api/v1/payouts/request", {"amount": 1000}).status_code == 201
    assert Payout.objects.count() == 1
