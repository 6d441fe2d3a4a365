"""The Security page of partners: a code at sign-in, and single sign-ins ended."""

import pytest

from apps.accounts.models import SignIn, TwoFactorDevice
from apps.accounts.tests.authenticator import Authenticator, enrol
from apps.dashboard.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/dashboard/security"


def test_from_setting_it_up_to_signing_in_with_a_code(signed_in, at, ann):
    client = signed_in(ann)
    begun = client.post(PAGE, {"do": "begin", "begin-password": PASSWORD})
    app = Authenticator(begun.context["begun"].secret)
    assert "style=" not in begun.content.decode()

    done = client.post(PAGE, {"do": "confirm", "confirm-otp": app.code()})

    recovery = done.context["codes"]
    assert (done.status_code, len(recovery)) == (200, 10)
    fresh = at()
    first = fresh.post("/dashboard/signin", {"email": ann.email, "password": PASSWORD, "next": "/dashboard/wallet"})
    assert first["Location"] == "/dashboard/signin/code"
    assert fresh.get("/dashboard/").status_code == 302
    assert fresh.post("/dashboard/signin/code", {"otp": app.code()}).status_code == 400  # used when it was confirmed
    second = fresh.post("/dashboard/signin/code", {"otp": recovery[0]})
    assert second["Location"] == "/dashboard/wallet"
    assert fresh.get("/dashboard/wallet").status_code == 200


def test_it_is_switched_off_with_password_and_code(signed_in, ann):
    client = signed_in(ann)
    app, _ = enrol(ann)

    refused = client.post(PAGE, {"do": "switch_off", "switch_off-password": "wrong", "switch_off-otp": app.code()})
    assert (refused.status_code, TwoFactorDevice.objects.count()) == (400, 1)
    done = client.post(PAGE, {"do": "switch_off", "switch_off-password": PASSWORD, "switch_off-otp": app.code()})

    assert (done["Location"], TwoFactorDevice.objects.count()) == (PAGE, 0)


def test_another_browser_is_signed_out(signed_in, ann):
    here, there = signed_in(ann), signed_in(ann)
    other = SignIn.objects.order_by("-id").first()
    assert str(other.pk) in here.get(PAGE).content.decode()

    here.post(PAGE, {"do": "end", "id": str(other.pk)})

    assert there.get("/dashboard/").status_code == 302
    assert here.get("/dashboard/").status_code == 200


def test_everything_is_signed_out(signed_in, ann, api):
    here, there, app = signed_in(ann), signed_in(ann), api(ann)

    assert here.post(PAGE, {"do": "end_all"})["Location"] == "/dashboard/signin"

    assert [here.get("/dashboard/").status_code, there.get("/dashboard/").status_code] == [302, 302]
    assert app.get("/api/v1/auth/me").status_code == 401


@pytest.mark.parametrize(
    "body", [{"do": "end", "id": "x"}, {"do": "end", "id": "01a219f4-ee25-7000-b9ac-788a76e5f5ba"}, {}]
)
def test_what_is_not_there_is_not_found(signed_in, ann, body):
    assert signed_in(ann).post(PAGE, body).status_code == 404
    assert SignIn.objects.filter(revoked_at=None).count() == 1


def test_somebody_elses_sign_in_stays(signed_in, ann, ben):
    mine, theirs = signed_in(ann), signed_in(ben)

    assert mine.post(PAGE, {"do": "end", "id": str(SignIn.objects.get(user=ben).pk)}).status_code == 404

    assert theirs.get("/dashboard/").status_code == 200


def test_joining_with_a_login_of_another_site_asks_for_its_code(at, make_user, ann):
    app, _ = enrol(ann)
    form = {"full_name": "Ann", "email": ann.email, "password": PASSWORD, "referral_code": ""}

    asked = at("beta").post("/join", form)
    assert (asked.status_code, b"authenticator app" in asked.content) == (400, True)
    assert at("beta").post("/join", form | {"otp": app.code()}).status_code == 302


def test_the_page_needs_a_sign_in(at, site):
    assert at().get(PAGE)["Location"] == f"/dashboard/signin?next={PAGE}"
