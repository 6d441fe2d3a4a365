"""Tokens are looked at, sent and watched in a browser, on a desk and on a phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_back_office import enter, rows_of, staff  # noqa: F401 - a fixture
from tests.browser.test_pages import serious


@pytest.fixture
def owed(staff, transactional_alpha):  # noqa: F811
    """Ann has said where hers go, Ben has not."""
    from apps.accounts.models import User
    from apps.allocations.tests.factories import give_address, make_custody, make_token_order
    from apps.core import outbox
    from apps.core.tenancy import site_context

    with site_context(transactional_alpha):
        ann, ben = (User.objects.get(email=f"{name}@example.com") for name in ("ann", "ben"))
        make_custody()
        give_address(ann)
        for user in (ann, ben):
            make_token_order(user, "12.5")
        while any(outbox.drain(transactional_alpha, consumer) for consumer in sorted(outbox.consumers())):
            pass


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_batch_is_looked_at_sent_and_watched(visit, owed, transactional_alpha, width, scheme):
    from apps.allocations.models import Transfer
    from apps.core.tenancy import site_context

    page = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "manager")
    page.goto("/admin/allocations/allocation/")
    for number in range(rows_of(page).count()):
        rows_of(page).nth(number).get_by_role("checkbox").check()
    page.get_by_label("What to do with them").select_option(label="Send the tokens")
    page.get_by_role("button", name="Do it").click()

    expect(page.get_by_role("heading", name="1 can be sent")).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Send to 1").click()
    expect(page.get_by_text("1 allocation on the way.")).to_be_visible()

    page.goto("/admin/allocations/allocationbatch/")
    rows_of(page).first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="On the way")).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with site_context(transactional_alpha):
        Transfer.objects.update(status="completed")
    expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=15_000)
    assert page.complaints == []
