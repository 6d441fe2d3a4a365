"""Signing in by a site's own issuer (P7), against a real one on loopback."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.accounts import oidc
from apps.accounts.models import Identity, IdentityProvider, Membership, User
from apps.accounts.oidc import providers, verifying
from apps.accounts.tests.authenticator import enrol
from apps.audit.services import SYSTEM
from apps.core.errors import Invalid
from apps.core.tenancy import site_context
from apps.rbac.services import grant_platform_role
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_partner
from fakes.oidc import FakeIssuer

URL, ME = "/api/v1/auth/oidc", "/api/v1/auth/me"
pytestmark = pytest.mark.django_db


@pytest.fixture
def issuer():
    verifying.forget_keys()
    found = FakeIssuer()
    yield found
    found.close()
    verifying.forget_keys()


@pytest.fixture
def provider(site, issuer):
    found = oidc.set_provider(issuer=issuer.url, audience="upline", accepts_bearer=True, actor=SYSTEM)
    providers.forget()
    return found


def sign_in(api, token, **body):
    return api().post(URL, {"id_token": token, **body})


def bearer(api, token):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


ANN = {"sub": "auth0|ann", "email": "Ann@Example.com", "name": "Ann"}


def test_on_first_sight_there_is_a_member_with_a_place_in_the_tree(api, issuer, provider):
    sponsor = make_partner()

    answer = sign_in(api, issuer.token(**ANN), referral_code=sponsor.code)

    assert answer.status_code == 200, answer.content
    user = User.objects.get(email="ann@example.com")
    assert (user.full_name, user.has_usable_password()) == ("Ann", False)
    assert Membership.objects.get(user=user).is_active
    assert Partner.objects.get(user=user).sponsor_id == sponsor.pk
    me = bearer(api, answer.json()["access"]).get(ME).json()
    assert (me["email"], me["partner"]["sponsor_id"]) == ("ann@example.com", str(sponsor.pk))


def test_the_second_time_it_is_the_same_person(api, issuer, provider):
    sign_in(api, issuer.token(**ANN))
    again = sign_in(api, issuer.token(**ANN | {"email": "other@example.com"}))

    assert again.status_code == 200
    assert Identity.objects.count() == 1
    assert not User.objects.filter(email="other@example.com").exists()


def test_the_issuers_tokens_open_the_api_where_the_site_says_so(api, issuer, provider):
    first = bearer(api, issuer.token(**ANN)).get(ME)
    second = bearer(api, issuer.token(sub="auth0|ann")).get(ME)  # an access token without an e-mail

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["id"] == second.json()["id"]
    assert issuer.asked == 1
    assert Partner.objects.filter(user__email="ann@example.com").count() == 1


def test_and_not_where_it_does_not(api, issuer, site):
    oidc.set_provider(issuer=issuer.url, audience="upline", accepts_bearer=False, actor=SYSTEM)
    providers.forget()

    assert bearer(api, issuer.token(**ANN)).get(ME).status_code == 401
    assert sign_in(api, issuer.token(**ANN)).status_code == 200


def _hmac(issuer):
    """The old trick: HS256 with what everybody knows."""
    import base64
    import hashlib
    import hmac
    import json

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    head, body = (
        part({"alg": "HS256", "kid": issuer.kid}),
        part({**ANN, "aud": "upline", "iss": issuer.url, "exp": 9**10}),
    )
    mark = hmac.new(issuer.public_pem(), head + b"." + body, hashlib.sha256).digest()
    return b".".join([head, body, base64.urlsafe_b64encode(mark).rstrip(b"=")]).decode()


FORGED = {
    "for another audience": lambda issuer: issuer.token(**ANN, aud="other"),
    "of another issuer": lambda issuer: issuer.token(**ANN, iss="https://evil.example/"),
    "expired": lambda issuer: issuer.token(**ANN, exp=int(time.time()) - 60),
    "not yet": lambda issuer: issuer.token(**ANN, iat=int(time.time()) + 600, nbf=int(time.time()) + 600),
    "without an end": lambda issuer: issuer.token(**ANN, exp=None),
    "without a subject": lambda issuer: issuer.token(**ANN | {"sub": None}),
    "about nobody": lambda issuer: issuer.token(**ANN | {"sub": ""}),
    "about a NUL": lambda issuer: issuer.token(**ANN | {"sub": "a\x00"}),
    "by another key": lambda issuer: issuer.token(
        **ANN, key=rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ),
    "by an unknown key": lambda issuer: issuer.token(**ANN, headers={"kid": "other"}),
    "with the public key as a secret": _hmac,
    "unsigned": lambda issuer: jwt.encode({"sub": "x"}, "", algorithm="none"),
    "cut off": lambda issuer: issuer.token(**ANN)[:-4],
    "no token": lambda issuer: "a.b.c",
    "endless": lambda issuer: "a" * 20_000,
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_the_issuers_is_refused_and_nobody_is_made(api, issuer, provider, name):
    token = FORGED[name](issuer)

    answer, as_bearer = sign_in(api, token), bearer(api, token).get(ME)

    assert answer.status_code in (400, 401)
    assert as_bearer.status_code == 401
    assert Identity.objects.count() == 0
    assert not User.objects.filter(email="ann@example.com").exists()


def test_a_nonce_is_compared(api, issuer, provider):
    assert sign_in(api, issuer.token(**ANN, nonce="n1"), nonce="n2").status_code == 401
    assert sign_in(api, issuer.token(**ANN, nonce="n1"), nonce="n1").status_code == 200


def test_keys_rotate(api, issuer, provider, monkeypatch):
    monkeypatch.setattr(verifying, "COOLDOWN_SECONDS", 0)
    old = issuer.token(**ANN)
    assert sign_in(api, old).status_code == 200
    issuer.rotate()

    assert sign_in(api, issuer.token(**ANN)).status_code == 200
    assert sign_in(api, old).status_code == 401  # its key is gone
    assert issuer.asked >= 2


def test_unknown_keys_do_not_have_the_set_fetched_again_and_again(api, issuer, provider):
    sign_in(api, issuer.token(**ANN))

    for number in range(20):
        sign_in(api, issuer.token(**ANN, headers={"kid": f"made-up-{number}"}))

    assert issuer.asked <= 2


@pytest.mark.parametrize("fault", ["down", "nonsense"])
def test_an_issuer_that_fails_is_503_and_what_is_kept_goes_on(api, issuer, provider, fault):
    issuer.fault = fault
    answer = sign_in(api, issuer.token(**ANN))
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")

    issuer.fault = ""
    assert sign_in(api, issuer.token(**ANN)).status_code == 200
    issuer.fault = fault
    assert sign_in(api, issuer.token(**ANN)).status_code == 200


def test_an_email_that_has_a_login_is_not_taken_over(api, issuer, provider, make_user):
    make_user("ann@example.com")

    answer = sign_in(api, issuer.token(**ANN))

    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert Identity.objects.count() == 0


def test_its_owner_connects_the_two(api, issuer, provider, make_user):
    ann = make_user("ann@example.com")

    linked = api(ann).post(URL, {"id_token": issuer.token(**ANN)})
    later = sign_in(api, issuer.token(**ANN))

    assert (linked.status_code, later.status_code) == (200, 200)
    assert bearer(api, later.json()["access"]).get(ME).json()["id"] == str(ann.pk)
    assert (
        api(make_user("ben@example.com")).post(URL, {"id_token": issuer.token(**ANN)}).json()["code"]
        == "identity_taken"
    )


def test_a_holder_of_a_platform_role_is_never_let_in_on_a_sites_word(api, issuer, provider, make_user):
    ann = make_user("ann@example.com")
    assert api(ann).post(URL, {"id_token": issuer.token(**ANN)}).status_code == 200
    grant_platform_role(user=ann, role_key="super_admin", actor=SYSTEM, access=None)

    assert sign_in(api, issuer.token(**ANN)).status_code == 403
    assert bearer(api, issuer.token(**ANN)).get(ME).status_code == 403


def test_two_factor_is_asked_for_as_with_a_password(api, issuer, provider, make_user):
    ann = make_user("ann@example.com")
    api(ann).post(URL, {"id_token": issuer.token(**ANN)})
    phone, _ = enrol(ann)

    without = sign_in(api, issuer.token(**ANN))
    assert (without.status_code, without.json()["code"]) == (401, "otp_required")
    assert bearer(api, issuer.token(**ANN)).get(ME).status_code == 401
    assert sign_in(api, issuer.token(**ANN), otp=phone.code()).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [{"email": None}, {"email": "nonsense"}, {"email_verified": False}, {"email": 7}, {"email": ["a@b.example"]}],
)
def test_without_a_verified_email_nobody_is_made(api, issuer, provider, claims):
    answer = sign_in(api, issuer.token(**ANN | claims))

    assert (answer.status_code, answer.json()["code"]) == (401, "email_required")
    assert Identity.objects.count() == 0


def test_who_is_disabled_or_suspended_stays_out(api, issuer, provider):
    sign_in(api, issuer.token(**ANN))
    user = User.objects.get(email="ann@example.com")

    Membership.objects.filter(user=user).update(is_active=False)
    assert sign_in(api, issuer.token(**ANN)).status_code == 401
    assert bearer(api, issuer.token(**ANN)).get(ME).status_code == 401


def test_another_sites_issuer_opens_nothing_here(api, issuer, site, other_site):
    with site_context(other_site.pk):
        oidc.set_provider(issuer=issuer.url, audience="upline", accepts_bearer=True, actor=SYSTEM)
    providers.forget()

    answer = sign_in(api, issuer.token(**ANN))

    assert (answer.status_code, answer.json()["code"]) == (409, "oidc_unavailable")
    assert bearer(api, issuer.token(**ANN)).get(ME).status_code == 401


def test_a_proof_is_as_old_as_the_issuer_says(api, issuer, provider):
    long_ago = int(time.time()) - 7200

    pair = sign_in(api, issuer.token(**ANN, auth_time=long_ago)).json()

    assert abs(jwt.decode(pair["access"], options={"verify_signature": False})["auth_time"] - long_ago) <= 1


INSIDE = [
    "http://issuer.example/", "https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/",
    "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://user@issuer.example/", "ftp://issuer.example/",
    "nonsense", "https://100.64.0.1/", "https://0.0.0.0/", "https://[fe80::1]/", "https://224.0.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_an_issuer_inside_our_own_network_is_refused(site, settings, url):
    settings.UPLINE_LOCAL_ISSUERS = False

    with pytest.raises(Invalid) as refused:
        oidc.set_provider(issuer=url, audience="upline", actor=SYSTEM)

    assert refused.value.field == "issuer"
    assert IdentityProvider.objects.count() == 0


def test_nor_one_whose_name_leads_there(site, settings, issuer, api):
    oidc.set_provider(issuer="https://localhost/", audience="upline", actor=SYSTEM)
    providers.forget()
    settings.UPLINE_LOCAL_ISSUERS = False

    answer = sign_in(api, issuer.token(**ANN, iss="https://localhost/"))

    assert (answer.status_code, issuer.asked) == (503, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {"name": "\ud800"}, {"email": "\ud800@example.com"}, {"sub": "\ud800"}, {"auth_time": 10**30},
        {"auth_time": float("inf")}, {"iat": float("inf")}, {"auth_time": True, "name": ["Ann"], "email": {}},
    ],
)  # fmt: skip
def test_what_an_issuer_should_not_say_breaks_nothing(api, issuer, provider, odd):
    assert sign_in(api, issuer.token(**ANN | odd)).status_code in (200, 401)
