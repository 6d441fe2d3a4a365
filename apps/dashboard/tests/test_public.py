"""What somebody sees who is not signed in."""

import pytest

from apps.accounts.models import Membership, User
from apps.referrals.models import Partner

pytestmark = pytest.mark.django_db
NEW = {"full_name": "New Person", "email": "new@example.com", "password": "a-long-password-1", "referral_code": ""}


def test_the_platform_shows_its_sites(at, site):
    page = at("").get("/").content.decode()

    assert "http://alpha.localhost/dashboard/" in page
    assert "http://beta.localhost/" in page


def test_in_production_it_does_not(at, site, settings):
    del settings.UPLINE_DEMO_PASSWORD

    assert "alpha" not in at("").get("/").content.decode().lower()


def test_a_site_s_front_page_shows_the_published_rates_and_an_example_by_the_engine(at, plan):
    page = at().get("/").content.decode().replace("\xa0", " ")

    assert "12.5 %" in page
    assert "₹100" in page
    assert "you get <b>₹1,250.00</b>" in page
    assert "you get <b>₹500.00</b>" in page


def test_before_a_plan_is_published_it_says_so(at, site):
    assert "The rates are not published yet." in at().get("/").content.decode()


def test_the_site_s_hue_is_a_stylesheet(at, site):
    response = at().get("/site.css")

    assert response.content == b":root{--hue:264}\n"
    assert response.headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("parameter", ["ref", "code"])
def test_joining_by_a_link_says_who_invites(at, ann, parameter):
    page = at().get(f"/join?{parameter}={ann.partner.code.lower()}").content.decode()

    assert "<b>Ann Example</b>" in page
    assert "ann@example.com" not in page


def test_joining_makes_a_partner_below_the_inviter_and_signs_in(at, ann):
    client = at()

    response = client.post("/join", {**NEW, "referral_code": ann.partner.code})

    assert response.headers["Location"] == "/dashboard/"
    partner = Partner.objects.get(user__email="new@example.com")
    assert partner.sponsor == ann.partner
    assert client.get("/dashboard/").status_code == 200


def test_the_click_that_led_here_counts_without_a_code(at, ann):
    client = at()
    client.get(f"/r/{ann.partner.code}")

    page = client.get("/join").content.decode()
    client.post("/join", NEW)

    assert "<b>Ann Example</b>" in page
    assert Partner.objects.get(user__email="new@example.com").sponsor == ann.partner


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"referral_code": "NOSUCHCODE22"}, "No partner has this referral code."),
        ({"email": "ann@example.com"}, "This e-mail has an account."),
        ({"password": "12345678"}, "entirely numeric"),
        ({"email": "nonsense"}, "Enter a valid email address."),
        ({"full_name": ""}, "This field is required."),
    ],
)
def test_a_refused_signup_says_why_at_its_field_and_leaves_nothing(at, ann, change, words):
    users = User.objects.count()

    response = at().post("/join", {**NEW, **change})

    assert response.status_code == 400
    assert words in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert User.objects.count() == users


def test_ones_own_code_is_refused(at, ann):
    response = at().post("/join", {**NEW, "email": ann.email, "referral_code": ann.partner.code})

    assert response.status_code == 400
    assert "own referral code" in response.content.decode()


def test_guessing_codes_ends_after_ten(at, ann, settings, address):
    settings.UPLINE_THROTTLE = True
    client = at(REMOTE_ADDR=address)
    for number in range(10):
        assert client.get(f"/join?code=NOSUCHCODE{number:02}").status_code == 200

    assert client.get(f"/join?code={ann.partner.code}").status_code == 429


def test_a_stranger_gets_sixty_pages_a_minute(at, site, settings, address):
    settings.UPLINE_THROTTLE = True
    client = at(REMOTE_ADDR=address)
    for _ in range(60):
        assert client.get("/").status_code == 200

    response = client.get("/")

    assert response.status_code == 429
    assert "That was a lot at once" in response.content.decode()
    assert "Retry-After" in response.headers


def test_pages_of_people_are_not_on_the_platform_s_host(at, site):
    for page in ("/join", "/dashboard/", "/dashboard/signin", "/dashboard/wallet"):
        assert at("").get(page).headers["Location"] == "/"


def test_an_unknown_address_is_answered_in_the_design(at, site):
    response = at().get("/nothing-here")

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


@pytest.mark.parametrize("page", ["/", "/join", "/dashboard/signin", "/dashboard/password/reset", "/nothing"])
def test_no_page_has_inline_script_or_style(at, plan, page):
    text = at().get(page).content.decode()

    assert "<style" not in text
    assert " style=" not in text
    assert "onclick" not in text
    assert text.count("<script") == text.count("<script src=")


def test_a_failure_of_ours_is_answered_in_the_design_and_without_the_database(at, site, monkeypatch):
    def fail():
        raise RuntimeError("secret detail")

    monkeypatch.setattr("apps.dashboard.selectors.rate_card", fail)

    response = at(raise_request_exception=False).get("/")

    assert response.status_code == 500
    assert "Something failed on our side" in response.content.decode()
    assert "secret detail" not in response.content.decode()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/r/%00", 404), ("/r/x?link=%00", 400), ("/join?ref=%00", 400), ("/dashboard/links/%00.svg", 404)],
)
def test_a_nul_in_an_address_is_refused(at, site, path, status):
    assert at().get(path).status_code == status


@pytest.mark.parametrize(
    ("ticked", "kind"),
    [({}, "individual"), ({"user_type": "enterprise"}, "enterprise"), ({"user_type": "sub_user"}, None)],
)
def test_a_company_joins_as_an_enterprise_and_nobody_as_more(at, site, ticked, kind):
    """None: refused, and nobody has joined."""
    answer = at().post("/join", {**NEW, "email": "firm@example.com", **ticked})

    found = Membership.objects.filter(user__email="firm@example.com")
    assert answer.status_code == (302 if kind else 400)
    assert list(found.values_list("user_type", flat=True)) == ([kind] if kind else [])


def test_a_nul_in_the_join_form_is_refused(at, site):
    assert at().post("/join", NEW | {"referral_code": "\0"}).status_code == 400
    assert not User.objects.filter(email=NEW["email"]).exists()
