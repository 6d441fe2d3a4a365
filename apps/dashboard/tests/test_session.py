"""Signing in and out of the pages."""

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.tokens import reset_link_parts
from apps.core.tenancy import site_context
from apps.dashboard.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGES = ("/dashboard/", "/dashboard/wallet", "/dashboard/settings")


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_led_to_sign_in_and_back(at, site, page):
    response = at().get(page)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/dashboard/signin?next={page}"


def test_signing_in_opens_the_page_one_came_from(at, ann):
    response = at().post("/dashboard/signin", {"email": ann.email, "password": PASSWORD, "next": "/dashboard/wallet"})

    assert response.headers["Location"] == "/dashboard/wallet"


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_host(at, ann, address):
    response = at().post("/dashboard/signin", {"email": ann.email, "password": PASSWORD, "next": address})

    assert response.headers["Location"] == "/dashboard/"


def test_a_wrong_password_and_a_stranger_read_alike(at, ann):
    wrong = at().post("/dashboard/signin", {"email": ann.email, "password": "something else"})
    unknown = at().post("/dashboard/signin", {"email": "nobody@example.com", "password": "something else"})

    assert (wrong.status_code, unknown.status_code) == (400, 400)
    assert "E-mail or password is wrong." in wrong.content.decode()
    assert "E-mail or password is wrong." in unknown.content.decode()


def test_ten_wrong_passwords_close_the_door_for_a_minute(at, ann, settings, address):
    settings.UPLINE_THROTTLE = True
    client = at(REMOTE_ADDR=address)
    ann.email = f"ann-{address.replace(':', '-')}@example.com"  # limits outlive the test, in Redis
    ann.save(update_fields=["email"])
    for _ in range(10):
        client.post("/dashboard/signin", {"email": ann.email, "password": "wrong"})

    response = client.post("/dashboard/signin", {"email": ann.email, "password": PASSWORD})

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0


def test_signing_in_needs_the_form_s_token(site, ann):
    client = Client(headers={"Host": "alpha.localhost"}, enforce_csrf_checks=True)

    response = client.post("/dashboard/signin", {"email": ann.email, "password": PASSWORD})

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


def test_a_session_of_one_site_is_nobody_s_at_another(at, ann, signed_in):
    client = signed_in(ann)
    cookies = client.cookies

    elsewhere = at("beta")
    elsewhere.cookies = cookies
    response = elsewhere.get("/dashboard/")

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/dashboard/signin")


def test_a_suspended_member_is_out_at_the_next_request(signed_in, ann, site):
    from apps.accounts.services import set_member_active
    from apps.audit.services import SYSTEM

    client = signed_in(ann)
    with site_context(site.pk):
        set_member_active(user=ann, is_active=False, actor=SYSTEM)

    assert client.get("/dashboard/").status_code == 302


def test_signing_out_ends_the_session(signed_in, ann):
    client = signed_in(ann)
    assert client.get("/dashboard/").status_code == 200

    client.post("/dashboard/signout")

    assert client.get("/dashboard/").status_code == 302


def test_signing_out_everywhere_ends_the_other_sessions_and_tokens(signed_in, ann, api):
    here, there, app = signed_in(ann), signed_in(ann), api(ann)

    here.post("/dashboard/settings/signout")

    assert there.get("/dashboard/").status_code == 302
    assert app.get("/api/v1/auth/me").status_code == 401


def test_a_new_password_ends_other_sessions_and_keeps_this_one(signed_in, ann):
    here, there = signed_in(ann), signed_in(ann)

    response = here.post(
        "/dashboard/settings/password", {"old_password": PASSWORD, "new_password": "another-long-one-2"}
    )

    assert response.status_code == 302
    assert here.get("/dashboard/").status_code == 200
    assert there.get("/dashboard/").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("not mine", "another-long-one-2", "The old password is wrong."),
        (PASSWORD, "12345678", "entirely numeric"),
        (PASSWORD, "short", "too short"),
    ],
)
def test_a_refused_password_change_says_why_and_changes_nothing(signed_in, ann, old, new, words):
    client = signed_in(ann)

    response = client.post("/dashboard/settings/password", {"old_password": old, "new_password": new})

    assert response.status_code == 400
    assert words in response.content.decode()
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)
    assert client.get("/dashboard/").status_code == 200


def test_the_reset_page_answers_alike_for_members_and_strangers(at, ann):
    known = at().post("/dashboard/password/reset", {"email": ann.email})
    unknown = at().post("/dashboard/password/reset", {"email": "nobody@example.com"})

    assert (known.status_code, unknown.status_code) == (200, 200)
    assert known.content.decode().replace(ann.email, "") == unknown.content.decode().replace("nobody@example.com", "")
    assert mail.outbox == []  # the mail is the worker's, after the commit


def test_a_reset_link_works_once(at, ann, site):
    uid, token = reset_link_parts(ann)
    address = f"/dashboard/password/reset/{uid}/{token}/"
    assert at().get(address).status_code == 200

    first = at().post(address, {"new_password": "another-long-one-2"})
    second = at().post(address, {"new_password": "yet-another-one-3"})

    assert first.headers["Location"] == "/dashboard/signin"
    assert second.status_code == 400
    assert "expired or was used" in second.content.decode()
    ann.refresh_from_db()
    assert ann.check_password("another-long-one-2")
