"""Two-factor, sign-ins and the proof before money moves, in a browser."""

import re
import time

import pytest
from playwright.sync_api import expect

from apps.accounts.tests.authenticator import Authenticator
from apps.dashboard.tests.conftest import PASSWORD
from tests.browser.test_pages import serious


@pytest.fixture
def manager(story, transactional_alpha):
    """Decides payouts; one of Ann's waits."""
    from apps.accounts.models import Membership, User
    from apps.audit.services import SYSTEM
    from apps.core.tenancy import site_context
    from apps.payouts.services import request_payout
    from apps.rbac.models import Role
    from apps.rbac.services import assign_role

    with site_context(transactional_alpha):
        user = User.objects.create_user(email="manager@example.com", password=PASSWORD, full_name="Mara Manager")
        Membership.objects.create(user=user, user_type="staff")
        assign_role(user=user, role=Role.objects.get(key="payout_manager"), actor=SYSTEM, access=None)
        request_payout(user=User.objects.get(email="ann@example.com"), amount=100_000)
    return user


@pytest.fixture
def grow_old():
    """grow_old(page): its session signed in an hour ago."""
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore

    from apps.accounts.middleware import SESSION_AUTH_TIME

    def age(page):
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
        session = SessionStore(cookies[settings.SESSION_COOKIE_NAME])
        session[SESSION_AUTH_TIME] = int(time.time()) - 3600
        session.save()

    return age


def give_password(page, label="Email", who="ann"):
    page.get_by_label(label).fill(f"{who}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def give_code(page, code):
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def switch_on(page):
    """(authenticator, recovery codes), from the Security page."""
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    page.get_by_text("Type it instead").click()
    app = Authenticator(page.get_by_label("Key for the app").input_value())
    assert serious(page) == []
    page.get_by_label("Code from the app").fill(app.code(-1))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    assert serious(page) == []
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    return app, codes


@pytest.mark.parametrize("script", [True, False])
def test_a_partner_signs_in_with_a_code_and_ends_another_browser(visit, sign_in, story, script):
    page = sign_in(visit(viewport={"width": 360, "height": 800}, java_script_enabled=script))
    page.goto("/dashboard/security")
    if script:
        app, codes = switch_on(page)
    else:
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Set it up").click()
        app = Authenticator(page.locator("#secret").input_value())
        page.get_by_label("Code from the app").fill(app.code(-1))
        page.get_by_role("button", name="Switch it on").click()
        expect(page.locator(".recovery li").first).to_be_visible()
        codes = page.locator(".recovery li").all_inner_texts()

    other = visit()
    other.goto("/dashboard/signin")
    give_password(other)
    expect(other.get_by_role("heading", name="Your code")).to_be_visible()
    assert serious(other) == []
    give_code(other, app.code())
    other.wait_for_url("**/dashboard/")
    third = visit()
    third.goto("/dashboard/signin?next=/dashboard/wallet")
    give_password(third)
    give_code(third, codes[0].lower())
    third.wait_for_url("**/dashboard/wallet")

    page.goto("/dashboard/security")
    ends = page.get_by_role("button", name=re.compile("^Sign out (?!everywhere)"))
    expect(ends).to_have_count(2)
    ends.first.click()
    expect(page.get_by_role("status")).to_contain_text("That sign-in has ended.")
    ends.first.click()
    expect(ends).to_have_count(0)

    for ended in (other, third):
        ended.goto("/dashboard/wallet")
        expect(ended).to_have_url(re.compile(r"/dashboard/signin\?next="))
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_manager_switches_it_on_because_the_site_wants_it_and_proves_it_before_a_payout(
    visit, manager, transactional_alpha, grow_old, scheme
):
    from apps.core.tenancy import site_context
    from apps.sites.models import SiteSettings

    with site_context(transactional_alpha):
        SiteSettings.objects.update(staff_two_factor=True)
    page = visit(color_scheme=scheme)
    page.goto("/admin/")
    give_password(page, "E-mail", "manager")
    expect(page.get_by_text("This site wants two-factor of its staff.")).to_be_visible()
    assert serious(page) == []
    page.goto("/admin/payouts/payout/")
    expect(page).to_have_url(re.compile("/admin/security/"))
    app, _ = switch_on(page)

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    give_password(page, "E-mail", "manager")
    expect(page.get_by_role("heading", name="Your code")).to_be_visible()
    assert serious(page) == []
    give_code(page, app.code())
    expect(page.get_by_role("heading", name="Home")).to_be_visible()

    grow_old(page)
    page.goto("/admin/payouts/payout/?status__exact=requested")
    page.locator("#result_list tbody tr").nth(0).get_by_role("checkbox").check()
    page.get_by_label("What to do with them").select_option(label="Approve")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.get_by_label("Code").fill(app.code(1))
    page.get_by_role("button", name="Confirm and go on").click()

    expect(page.get_by_role("status")).to_contain_text("1 payout approved.")
    page.goto("/admin/payouts/payout/?status__exact=approved")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    assert page.complaints == []


def test_without_two_factor_the_password_proves_it_on_a_rows_page_and_by_keyboard(visit, manager, grow_old):
    page = visit(viewport={"width": 360, "height": 800})
    page.goto("/admin/payouts/payout/")
    give_password(page, "E-mail", "manager")
    page.locator("#result_list tbody th a").first.click()
    grow_old(page)
    page.get_by_label("Reason, or the bank's reference").fill("Wrong account")
    page.get_by_role("button", name="Reject, with a reason").click()

    expect(page.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Your password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 payout rejected.")
    expect(page.get_by_text("Wrong account")).to_be_visible()
    expect(page).to_have_url(re.compile("/change/$"))
    assert page.complaints == []
