"""An enterprise adds a sub-user, who runs a report; their pages on a desk and on a phone (W1, W3)."""

import pytest

from apps.accounts.models import Membership, User
from apps.activities.tests.factories import give_funds, make_form, offer
from apps.core.tenancy import site_context
from apps.dashboard.tests.conftest import PASSWORD
from tests.browser.test_pages import serious


@pytest.fixture
def firm(transactional_alpha):
    with site_context(transactional_alpha):
        user = User.objects.create_user(email="firm@example.com", password=PASSWORD, full_name="Firm")
        Membership.objects.create(user=user, user_type="enterprise")
        give_funds(user, 5_000)
        offer()
        make_form()
    return user


def looks_right(page, width):
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_sub_user_is_added_and_runs_a_report(visit, sign_in, firm, width, scheme):
    screen = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = sign_in(visit(**screen), "firm@example.com")
    page.goto("/dashboard/enterprise")
    looks_right(page, width)
    page.get_by_label("Email").fill("asha@example.com")
    page.get_by_label("Name").fill("Asha")
    page.get_by_label("First password").fill(PASSWORD)
    page.get_by_label("Limit a month").fill("12.00")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Asha can sign in now.").wait_for()
    page.get_by_role("link", name="Asha").click()
    looks_right(page, width)

    theirs = sign_in(visit(**screen), "asha@example.com")
    theirs.goto("/dashboard/activities")
    theirs.get_by_role("button", name="Run for ₹10.00").click()
    theirs.get_by_text("is ready.").wait_for()
    looks_right(theirs, width)
    theirs.get_by_role("button", name="Run for ₹10.00").click()
    theirs.get_by_text("beyond the spending limit").wait_for()
    looks_right(theirs, width)

    page.goto("/dashboard/enterprise?period=month")
    assert page.get_by_text("1 activity,").count() == 1
    looks_right(page, width)
    assert page.complaints == []
