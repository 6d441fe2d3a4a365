"""Registering, as a mobile client does it (T1-T3, settled.md "Sites, users, tokens")."""

import secrets

import pytest
from django.test import override_settings

from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.orders.models import Customer
from apps.orders.services.customers import CustomerIds
from apps.orders.tests.factories import make_order
from apps.referrals.models import Partner
from apps.referrals.services import set_partner_status

URL = "/api/v1/auth/register"
PASSWORD = "correct horse battery"


def register(client, email="ann@example.com", **extra):
    return client.post(URL, {"email": email, "password": PASSWORD, "full_name": "Ann", **extra})


def moved():
    return User.objects.count(), Membership.objects.count(), Partner.objects.people().count()


def test_the_first_partner_has_a_code_and_no_sponsor(api):
    answer = register(api(), email="Ann@Example.com")

    body = answer.json()
    assert answer.status_code == 201
    assert body["user"] == {
        "id": body["user"]["id"],
        "email": "ann@example.com",
        "full_name": "Ann",
        "user_type": "individual",
    }
    assert body["partner"]["sponsor_id"] is None
    assert body["partner"]["status"] == "active"
    assert len(body["partner"]["referral_code"]) == 12
    assert set(body) == {"user", "partner", "access", "refresh"}


def test_the_access_token_works_at_once_and_me_tells_who(api):
    body = register(api()).json()
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access']}")

    me = client.get("/api/v1/auth/me").json()

    assert (me["site"], me["roles"], me["user_type"]) == ("ALPHA", ["affiliate"], "individual")
    assert me["permissions"] == [
        "affiliate.read", "commission.read", "payout.create", "payout.read", "referral.read", "user.read",
    ]  # fmt: skip
    assert me["partner"]["referral_code"] == body["partner"]["referral_code"]
    assert me["broker_connected"] is False


def test_a_code_makes_its_owner_the_sponsor(api):
    sponsor = register(api()).json()["partner"]

    answer = register(api(), email="ben@example.com", referral_code=sponsor["referral_code"].lower())

    assert answer.json()["partner"]["sponsor_id"] == sponsor["id"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"referral_code": "ZZZZZZZZZZZZ"}, "referral_code_unknown", "referral_code"),
        ({"password": "short"}, "password_too_weak", "password"),
        ({"password": "password123"}, "password_too_weak", "password"),
        ({"email": "not an address"}, "invalid", "email"),
        ({"user_type": "staff"}, "invalid", "user_type"),
        ({"full_name": "x" * 121}, "invalid", "full_name"),
        ({"email": ["a"]}, "invalid", "email"),
    ],
)
def test_a_refusal_names_the_field_and_leaves_nothing(api, body, code, field):
    before = moved()

    answer = register(api(), **body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["errors"][0]["field"] == field
    assert moved() == before


def test_an_inactive_partners_code_is_refused(api):
    sponsor = register(api()).json()["partner"]
    partner = Partner.objects.get(pk=sponsor["id"])
    set_partner_status(partner=partner, status="inactive", reason="left", actor=SYSTEM)
    before = moved()

    answer = register(api(), email="ben@example.com", referral_code=sponsor["referral_code"])

    assert (answer.status_code, answer.json()["code"]) == (400, "referral_code_inactive")
    assert moved() == before


def test_ones_own_code_is_refused_before_the_email_is_looked_at(api):
    sponsor = register(api()).json()["partner"]

    answer = register(api(), email=" ANN@example.com ", referral_code=sponsor["referral_code"])

    assert (answer.status_code, answer.json()["code"]) == (400, "self_referral")


def test_an_email_that_is_taken_needs_its_password_and_another_site(api, other_site):
    register(api())
    before = moved()
    wrong = api(at=other_site).post(URL, {"email": "ann@example.com", "password": "another good phrase"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "email_taken")
    again = register(api())
    assert (again.status_code, again.json()["code"]) == (400, "email_taken")
    assert moved() == before

    joined = register(api(at=other_site))

    assert joined.status_code == 201
    assert User.objects.count() == before[0]
    with site_context(other_site.pk):
        assert Membership.objects.count() == 1


def test_another_sites_code_is_an_unknown_one(api, other_site):
    code = register(api(at=other_site)).json()["partner"]["referral_code"]

    answer = register(api(), email="ben@example.com", referral_code=code)

    assert (answer.status_code, answer.json()["code"]) == (400, "referral_code_unknown")


@pytest.mark.parametrize("key", ["site", "sponsor_id", "status", "roles", "is_staff", "balance", "permissions", "user"])
def test_what_is_not_the_clients_to_set_is_not_stored(api, key, other_site):
    """R16."""
    body = register(api(), **{key: str(other_site.pk)}).json()

    partner = Partner.objects.get(pk=body["partner"]["id"])
    assert (partner.site_id != other_site.pk, partner.sponsor_id, partner.status) == (True, None, "active")


def test_only_name_and_locale_are_mine_to_change(api):
    body = register(api()).json()
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access']}")

    answer = client.patch(
        "/api/v1/auth/me", {"full_name": "Ann B", "locale": "en-IN", "email": "x@example.com", "roles": ["admin"]}
    )

    assert answer.status_code == 200
    assert (answer.json()["full_name"], answer.json()["locale"]) == ("Ann B", "en-IN")
    assert (answer.json()["email"], answer.json()["roles"]) == ("ann@example.com", ["affiliate"])


@override_settings(UPLINE_THROTTLE=True)
def test_guessing_codes_ends_after_ten(api):
    client = api()
    client.defaults["REMOTE_ADDR"] = f"2001:db8::{secrets.token_hex(2)}"  # counters outlive a run

    answers = [register(client, referral_code="ZZZZZZZZZZZZ").status_code for _ in range(11)]

    assert answers == [400] * 10 + [429]


def test_a_guest_who_registers_without_a_code_stays_with_whoever_brought_them(api, site):
    body = register(api()).json()["partner"]
    other = register(api(), email="zoe@example.com").json()["partner"]
    sponsor = Partner.objects.get(pk=body["id"])
    make_order(customer=CustomerIds(email="ben@example.com"), below=sponsor)
    make_order(customer=CustomerIds(email="carl@example.com"), below=sponsor)
    make_order(customer=CustomerIds(email="dora@example.com"), below=sponsor)

    ben = register(api(), email="Ben@example.com").json()["partner"]
    carl = register(api(), email="carl@example.com", referral_code=other["referral_code"]).json()["partner"]
    set_partner_status(partner=sponsor, status="inactive", reason="left", actor=SYSTEM)
    dora = register(api(), email="dora@example.com").json()["partner"]

    assert (ben["sponsor_id"], carl["sponsor_id"], dora["sponsor_id"]) == (body["id"], other["id"], None)
    assert Customer.objects.filter(user=None).count() == 0
