"""The back office's door (W12): the code after the password, two-factor that a site wants, and the proof before money moves."""

import time
from decimal import Decimal

import pytest
from django.test import Client

from apps.accounts.middleware import SESSION_AUTH_TIME, SESSION_SIGN_INS, SESSION_SITE
from apps.accounts.models import ApiKey, Membership, SignIn, TwoFactorDevice
from apps.accounts.services import create_api_key
from apps.accounts.sessions import SESSION_HALF_WAY
from apps.accounts.tests.authenticator import Authenticator, authenticator_of, enrol
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.tests.factories import make_order, make_plan
from apps.payouts.services import approve_payout, request_payout
from apps.rbac.models import PlatformRole
from apps.referrals.tests.factories import make_chain
from apps.sites.models import SiteSettings
from apps.wallet.selectors import wallet_summary
from apps.wallet.tests.factories import give_earnings

from .conftest import listing, page_of

PASSWORD = "correct horse battery"
HOUR = 3600

# The Settings page, with every wall left down.
PROGRAM = {
    "activation": "none", "activation_fee": "0", "qualifying_categories": "", "attribution": "last_click",
    "attribution_days": "30", "payout_minimum": "0.01", "payout_cooldown_hours": "0", "landing_url": "", "shop_origins": "",
    "order_minutes": "30", "deposit_minimum": "1.00", "deposit_maximum": "0", "low_balance": "0", "bonus_daily_cap": "10",
    "bonus_device_limit": "2", "bonus_device_hours": "24", "first_bid_category": "", "payout_schedule": "on_request",
    "payout_day": "1", "payout_net_days": "0", "payout_without_method": "waits", "payout_asset": "",
    "payout_network": "ethereum", "tax_year_month": "1",
}  # fmt: skip


@pytest.fixture
def payouts(site):
    """Two requests of 200.00."""
    made = []
    for partner in make_chain(2):
        give_earnings(partner.user, 50_000)
        made.append(request_payout(user=partner.user, amount=20_000))
    return made


def now(row):
    row.refresh_from_db()
    return row.status


def at_the_door(host="alpha.localhost"):
    return Client(headers={"host": host})


def give_password(client, user, password=PASSWORD):
    return client.post(
        "/admin/login/", {"username": user.email, "password": password, "next": "/admin/payouts/payout/"}
    )


def test_the_password_alone_opens_nothing_to_who_has_two_factor(make_user, site):
    user = make_user("owner@example.com", roles=["super_admin"], password=PASSWORD)
    app, _ = enrol(user)
    client = at_the_door()

    assert give_password(client, user)["Location"] == "/admin/login/code/"
    assert client.get("/admin/payouts/payout/").status_code == 302
    wrong = client.post("/admin/login/code/", {"otp": "000000"})
    assert (wrong.status_code, b"This code is wrong" in wrong.content) == (400, True)
    assert client.get("/admin/payouts/payout/").status_code == 302

    answer = client.post("/admin/login/code/", {"otp": app.code()})

    assert answer["Location"] == "/admin/payouts/payout/"
    assert client.get("/admin/payouts/payout/").status_code == 200
    assert client.get("/admin/login/code/").status_code == 302
    assert [row.kind for row in SignIn.objects.all()] == ["browser"]


def test_a_code_without_a_password_is_worth_nothing(make_user, site):
    app, _ = enrol(make_user("owner@example.com", roles=["super_admin"], password=PASSWORD))

    answer = at_the_door().post("/admin/login/code/", {"otp": app.code()})

    assert answer["Location"] == "/admin/login/"


@pytest.mark.parametrize("spoil", ["late", "other site", "new password"])
def test_half_way_in_is_only_for_a_while_here_and_with_that_password(make_user, site, spoil):
    user = make_user("owner@example.com", roles=["super_admin"], password=PASSWORD)
    enrol(user)
    client = at_the_door()
    give_password(client, user)
    host = "alpha.localhost"
    if spoil == "late":
        session = client.session
        session[SESSION_HALF_WAY] |= {"until": int(time.time()) - 1}
        session.save()
    elif spoil == "other site":
        host = "beta.localhost"
    else:
        user.token_version += 1
        user.save(update_fields=["token_version"])

    answer = client.post("/admin/login/code/", {"otp": authenticator_of(user).code()}, headers={"host": host})

    assert answer["Location"] == "/admin/login/"
    assert SignIn.objects.count() == 0


def test_a_site_that_wants_two_factor_leads_its_staff_there_and_nowhere_else(office, site):
    SiteSettings.objects.update(staff_two_factor=True)
    desk = office("super_admin", password=PASSWORD)

    for url in ("/admin/", "/admin/payouts/payout/", "/admin/sites/sitesettings/"):
        assert desk.get(url)["Location"] == "/admin/security/"
    page = desk.get("/admin/security/").content.decode()
    assert "wants two-factor of its staff" in page
    begun = desk.post("/admin/security/", {"do": "begin", "begin-password": PASSWORD})
    app = Authenticator(begun.context["begun"].secret)
    done = desk.post("/admin/security/", {"do": "confirm", "confirm-otp": app.code()})

    assert len(done.context["codes"]) == 10
    assert "no-store" in done["Cache-Control"]
    assert done.context["codes"][0] not in desk.get("/admin/security/").content.decode()
    assert desk.get("/admin/payouts/payout/").status_code == 200


def test_what_was_mistyped_is_told_on_the_security_page(office, site):
    desk = office("super_admin", password=PASSWORD)

    wrong = desk.post("/admin/security/", {"do": "begin", "begin-password": "wrong"})
    assert (wrong.status_code, b"The password is wrong." in wrong.content) == (400, True)
    desk.post("/admin/security/", {"do": "begin", "begin-password": PASSWORD})
    wrong = desk.post("/admin/security/", {"do": "confirm", "confirm-otp": "000000"})
    assert (wrong.status_code, b"<svg" in wrong.content) == (400, True)
    assert desk.post("/admin/security/", {"do": "nonsense"}).status_code == 404

    assert not TwoFactorDevice.objects.filter(confirmed_at__isnull=False).exists()


def test_an_old_sign_in_proves_itself_before_a_payout_and_the_action_goes_on_once(office, payouts):
    desk = office("payout_manager", password=PASSWORD, signed_in_ago=HOUR)
    url = listing(type(payouts[0])) + "?status__exact=requested"
    chosen = {
        "action": "reject",
        "index": "0",
        "_selected_action": [str(row.pk) for row in payouts],
        "note": "Wrong account",
    }

    asked = desk.post(url, chosen)
    assert (asked.status_code, b"Confirm it" in asked.content) == (200, True)
    assert [now(row) for row in payouts] == ["requested", "requested"]
    assert sorted(asked.context["repeated"]) == sorted(
        [("action", "reject"), ("index", "0"), ("note", "Wrong account")]
        + [("_selected_action", str(row.pk)) for row in payouts]
    )
    wrong = desk.post(url, chosen | {"proof-password": "wrong"})
    assert (wrong.status_code, b"The password is wrong." in wrong.content) == (400, True)
    assert [now(row) for row in payouts] == ["requested", "requested"]

    done = desk.post(url, chosen | {"proof-password": PASSWORD})

    assert (done.status_code, desk.said) == (302, ["2 payouts rejected."])
    assert [(now(row), row.reason) for row in payouts] == [("rejected", "Wrong account")] * 2
    assert AuditEvent.objects.filter(action="payout.rejected").count() == 2
    assert time.time() - desk.client.session[SESSION_AUTH_TIME] < 60
    assert "proof-password" not in str(list(AuditEvent.objects.values()))


def test_with_two_factor_it_is_a_code_that_proves(office, payouts):
    desk = office("payout_manager", password=PASSWORD, signed_in_ago=HOUR)
    app, _ = enrol(desk.user)
    url = listing(type(payouts[0]))
    chosen = {"action": "approve", "index": "0", "_selected_action": str(payouts[0].pk), "note": ""}

    assert desk.post(url, chosen | {"proof-password": PASSWORD}).status_code == 400
    assert now(payouts[0]) == "requested"
    code = app.code()
    assert desk.post(url, chosen | {"proof-otp": code}).status_code == 302

    assert now(payouts[0]) == "approved"
    session = desk.client.session
    session[SESSION_AUTH_TIME] = int(time.time()) - HOUR
    session.save()
    assert desk.post(url, chosen | {"_selected_action": str(payouts[1].pk), "proof-otp": code}).status_code == 400
    assert now(payouts[1]) == "requested"


def test_what_moves_no_money_is_not_asked_about(office, payouts, make_user):
    member = Membership.objects.get(user=make_user("m@example.com"))
    desk = office("super_admin", signed_in_ago=HOUR)

    desk.do("suspend", member, note="Left")

    assert not Membership.objects.get(pk=member.pk).is_active


def test_keys_and_the_walls_themselves_are_asked_about_too(office, site):
    key, _ = create_api_key(name="Bank", scopes=["payout.manage"], actor=SYSTEM, access=None)
    desk, before = office("super_admin", password=PASSWORD, signed_in_ago=HOUR), key.key_hash
    settings = SiteSettings.objects.get()
    page = desk.get(page_of(settings)).context["adminform"].form
    written = {name: "" if (value := page[name].value()) is None else value for name in page.fields}
    lower = {**written, "step_up_minutes": "0", "reason": "Convenient"}

    assert b"Confirm it" in desk.post("/admin/accounts/apikey/add/", {"name": "X", "scopes": ["payout.manage"]}).content
    assert b"Confirm it" in desk.do("rotate", key).content
    assert b"Confirm it" in desk.post(page_of(settings), lower).content

    key.refresh_from_db()
    settings.refresh_from_db()
    assert (ApiKey.objects.count(), key.key_hash, settings.step_up_minutes > 0) == (1, before, True)
    made = desk.post(
        "/admin/accounts/apikey/add/", {"name": "X", "scopes": ["payout.manage"], "proof-password": PASSWORD}
    )
    assert (made.status_code, ApiKey.objects.count()) == (200, 2)


def test_a_site_may_ask_later_or_never(office, payouts):
    SiteSettings.objects.update(step_up_minutes=0)
    desk = office("payout_manager", signed_in_ago=100 * HOUR)

    desk.do("approve", payouts[0])

    assert now(payouts[0]) == "approved"


def test_commissions_and_refunds_are_asked_about_too(office, site, deliver):
    chain = make_chain(2)
    make_plan(Rule("*", 1, Kind.PERCENT, Decimal("0.1")))
    order = make_order(chain[1])
    deliver()
    desk, commission = office("super_admin", signed_in_ago=HOUR), Commission.objects.get()

    assert b"Confirm it" in desk.do("approve", commission).content
    assert b"Confirm it" in desk.do("refund_rest", order, note="Broken").content

    assert (now(commission), now(order)) == ("pending", "paid")


def test_four_eyes_see_a_payout(office, payouts):
    SiteSettings.objects.update(four_eyes=True)
    desk, payout = office("super_admin"), payouts[0]
    desk.do("approve", payout)

    desk.do("process", payout, note="UTR 1")

    assert desk.said == [
        f"{payout}: This site wants two people for a payout: whoever approved it can't mark it as paid."
    ]
    assert (now(payout), payout.reference) == ("approved", "")
    assert wallet_summary(payout.user_id).held == 20_000
    office("affiliate_manager").do("process", payout, note="UTR 1")
    assert now(payout) == "completed"


def test_a_platform_session_is_listed_where_it_works_and_ends_there(make_user, site):
    owner = make_user("owner@example.com", password=PASSWORD)
    PlatformRole.objects.create(user=owner, role_key="super_admin")
    client = at_the_door("localhost")
    assert give_password(client, owner)["Location"] == "/admin/payouts/payout/"
    assert SignIn.objects.count() == 0

    client.post("/admin/switch/", {"site": "ALPHA"})
    client.post("/admin/switch/", {"site": "ALPHA"})

    assert SignIn.objects.count() == 1
    assert client.get("/admin/payouts/payout/").status_code == 200
    assert client.session[SESSION_SIGN_INS].keys() == {"ALPHA"}
    SignIn.objects.update(revoked_at="2026-01-01T00:00Z")
    assert client.get("/admin/payouts/payout/").status_code == 302
    client.post("/admin/switch/", {"site": "ALPHA"})
    assert client.get("/admin/payouts/payout/").status_code == 302


def test_who_runs_all_sites_may_leave_a_site_that_wants_two_factor(make_user, site):
    owner = make_user("owner@example.com", password=PASSWORD)
    PlatformRole.objects.create(user=owner, role_key="super_admin")
    SiteSettings.objects.update(staff_two_factor=True)
    client = at_the_door("localhost")
    give_password(client, owner)
    client.post("/admin/switch/", {"site": "ALPHA"})
    assert client.get("/admin/payouts/payout/")["Location"] == "/admin/security/"

    client.post("/admin/switch/", {"site": "BETA"})

    assert client.get("/admin/payouts/payout/").status_code == 200


def test_signing_out_ends_the_sign_in(make_user, site):
    owner = make_user("owner@example.com", roles=["super_admin"], password=PASSWORD)
    client = at_the_door()
    give_password(client, owner)
    assert client.session[SESSION_SITE] == "ALPHA"

    assert client.post("/admin/logout/")["Location"] == "/admin/login/"

    assert client.get("/admin/").status_code == 302
    assert SignIn.objects.filter(revoked_at=None).count() == 0


def test_staff_reset_unlock_and_sign_out_with_a_reason(office, make_user, settings):
    settings.UPLINE_THROTTLE = True
    ann = make_user("ann@example.com")
    enrol(ann)
    desk = office("super_admin")
    device = TwoFactorDevice.objects.get()
    desk.do("reset", device)
    assert TwoFactorDevice.objects.count() == 1

    desk.do("reset", device, note="Lost phone")
    assert (TwoFactorDevice.objects.count(), desk.said) == (0, ["1 reset."])
    member = Membership.objects.get(user=ann)
    desk.do("unlock", member, note="Rang up")
    assert desk.said == [f"{member}: Their sign-in isn’t locked."]
    office("admin").do("reset", device, note="x")  # no user.manage
    assert not AuditEvent.objects.filter(action="two_factor.reset").exclude(reason="Lost phone").exists()
    desk.do("sign_out", SignIn.objects.get(user=desk.user), note="Test")

    assert desk.get("/admin/").status_code == 302


def test_a_machines_approval_is_followed_by_a_person(office, payouts):
    SiteSettings.objects.update(four_eyes=True)
    approve_payout(payout=payouts[0], actor=SYSTEM)

    office("affiliate_manager").do("process", payouts[0], note="x")

    assert now(payouts[0]) == "completed"


def test_who_runs_the_program_does_not_lower_its_security(office, site):
    SiteSettings.objects.update(four_eyes=True, staff_two_factor=False, step_up_minutes=15)
    settings, desk = SiteSettings.objects.get(), office("marketing_manager")
    url = f"/admin/sites/sitesettings/{settings.pk}/change/"
    page = desk.get(url).content.decode()

    answer = desk.post(url, PROGRAM | {"attribution_days": "60", "step_up_minutes": "0", "reason": "Too slow"})

    settings.refresh_from_db()
    assert 'name="attribution_days"' in page
    assert not any(
        f'name="{name}"' in page
        for name in ("four_eyes", "staff_two_factor", "step_up_minutes", "method_cooldown_hours")
    )
    assert (answer.status_code, settings.attribution_days) == (302, 60)
    assert (settings.four_eyes, settings.step_up_minutes) == (True, 15)


def test_lowering_security_on_the_settings_page_takes_a_reason(office, site):
    SiteSettings.objects.update(four_eyes=True)
    settings, desk = SiteSettings.objects.get(), office("admin")
    url = f"/admin/sites/sitesettings/{settings.pk}/change/"
    page = desk.get(url).content.decode()
    for group in ("Becoming a partner", "Attribution", "Payouts", "Security", "Why"):
        assert f"<h2>{group}</h2>" in page
    form = PROGRAM | {"step_up_minutes": "15", "method_cooldown_hours": "24"}

    refused = desk.post(url, form)
    settings.refresh_from_db()
    assert (b"less secure. Say why." in refused.content, settings.four_eyes) == (True, True)
    assert desk.post(url, form | {"reason": "One of us is ill"}).status_code == 302

    settings.refresh_from_db()
    assert not settings.four_eyes
    assert AuditEvent.objects.get(action="sitesettings.changed").reason == "One of us is ill"
