"""A partner is frozen after a look at the radius, with somebody who shares an address, and the freeze is lifted."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.test_back_office import enter, rows_of, staff  # noqa: F401 - a fixture
from tests.browser.test_pages import serious


@pytest.fixture
def shared(staff, transactional_alpha):  # noqa: F811
    """Ann and somebody below her came from one address."""
    from apps.accounts.models import SignIn
    from apps.core.tenancy import site_context
    from apps.referrals.models import Partner

    with site_context(transactional_alpha):
        ann = Partner.objects.get(user__email="ann@example.com")
        below = Partner.objects.downline_of(ann).select_related("user").first()
        for user in (ann.user, below.user):
            until = timezone.now() + timedelta(days=1)
            SignIn.objects.create(user=user, kind="api", version=1, expires_at=until, ip="203.0.113.9")
        return {"ann": ann.pk, "below": below.pk, "name": str(below.user)}


def statuses(site_id, people):
    from apps.core.tenancy import site_context
    from apps.referrals.models import Partner

    with site_context(site_id):
        return [Partner.objects.get(pk=people[name]).status for name in ("ann", "below")]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_partner_is_frozen_after_a_look_and_the_freeze_lifted(visit, shared, transactional_alpha, width, scheme):
    page = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "owner")
    page.goto(f"/admin/referrals/partner/{shared['ann']}/change/")
    page.get_by_role("link", name="Freeze…").click()

    expect(page.get_by_role("heading", name="What a freeze touches")).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert statuses(transactional_alpha, shared) == ["active", "active"]
    page.get_by_label("Reason").fill("Two faces")
    page.get_by_label(shared["name"]).check()
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("status")).to_contain_text("is frozen, with what depends on them")
    assert statuses(transactional_alpha, shared) == ["frozen", "frozen"]
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.get_by_role("link", name="What it touched").click()
    expect(page.get_by_role("heading", name="Frozen things")).to_be_visible()
    assert rows_of(page).count() > 2
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto("/admin/fraud/freeze/")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    rows_of(page).get_by_role("link").first.click()
    page.get_by_label("Reason").fill("Explained")
    page.get_by_role("button", name="Lift").click()
    expect(page.get_by_role("status")).to_contain_text("1 freeze lifted.")
    assert statuses(transactional_alpha, shared) == ["active", "active"]
    assert page.complaints == []
