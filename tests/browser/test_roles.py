"""Staff's own jobs in a browser: a role is made, changed in the matrix after a look, and given to somebody for a department."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_back_office import enter, staff  # noqa: F401
from tests.browser.test_pages import serious

PAGES = (
    "/admin/rbac/role/matrix/", "/admin/rbac/role/add/", "/admin/rbac/role/", "/admin/rbac/department/",
    "/admin/rbac/department/add/", "/admin/rbac/userrole/", "/admin/rbac/userrole/add/", "/admin/rbac/position/",
    "/admin/rbac/departmentmember/",
)  # fmt: skip


def test_a_role_is_made_changed_and_given(visit, staff):  # noqa: F811
    page = enter(visit(), "owner")
    page.goto("/admin/rbac/role/matrix/")
    page.get_by_role("link", name="New role").click()
    page.get_by_label("Name").fill("Night shift")
    page.get_by_label("Key").fill("night_shift")
    page.get_by_label("Takes over from").select_option(label="Support agent")
    page.get_by_label("Read order").check()
    page.get_by_role("button", name="Make the role").click()
    expect(page.get_by_role("status")).to_contain_text("Night shift is made.")

    page.goto("/admin/rbac/role/matrix/?kind=own")
    page.get_by_role("link", name="Night shift").click()
    expect(page.get_by_label("Read user")).to_be_disabled()
    page.get_by_label("Approve commission").check()
    page.get_by_label("Read order").uncheck()
    page.get_by_role("button", name="See what would change").click()
    changes = page.get_by_label("What would change")
    expect(changes).to_contain_text("commission.approve")
    expect(changes).to_contain_text("order.read")
    expect(changes).to_contain_text("Affects 0 people")
    page.get_by_label("Reason").fill("Nights approve")
    page.get_by_role("button", name="Save these changes").click()
    expect(page.get_by_role("status")).to_contain_text("Night shift is changed")
    expect(page.get_by_label("Approve commission")).to_be_checked()

    page.get_by_role("link", name="Roles given").click()
    page.get_by_role("link", name="Give a role").click()
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_label("Role", exact=True).select_option(label="Night shift")
    page.get_by_label("For whose rows").select_option(label="One department")
    page.get_by_label("Department").select_option(label="Customer Support Department")
    page.get_by_label("Reason").fill("New job")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_role("status")).to_contain_text("Ann Example holds Night shift")
    row = page.locator("#result_list tbody tr").filter(has_text="Night shift")
    expect(row).to_contain_text("Customer Support Department")
    assert page.complaints == []


def test_somebody_is_taken_into_a_department_on_a_phone(visit, staff):  # noqa: F811
    page = enter(visit(viewport={"width": 360, "height": 800}), "owner")
    page.goto("/admin/rbac/department/")
    page.get_by_role("link", name="Customer Support Department").click()
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_label("Position").first.select_option(label="Support Agent")
    page.get_by_label("Reason").first.fill("Hired")
    page.get_by_role("button", name="Take in").click()
    expect(page.get_by_role("status")).to_contain_text("Ann Example is in Customer Support Department")

    page.get_by_label("Change Ann Example").click()
    page.get_by_label("Reason, for Ann Example").fill("Left")
    page.get_by_role("button", name="Take out").click()

    expect(page.get_by_role("status")).to_contain_text("has left")
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, staff, scheme):  # noqa: F811
    page, found = enter(visit(color_scheme=scheme), "owner"), {}
    for path in PAGES:
        page.goto(path)
        found[path] = serious(page)
    page.get_by_role("link", name="Departments").click()
    with page.expect_navigation():
        page.get_by_role("link", name="Finance & Billing Department").click()
    found["department"] = serious(page)
    page.goto("/admin/rbac/role/matrix/")
    page.get_by_label("One role").select_option(label="QA manager")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    found["chosen"] = serious(page)
    page.get_by_label("Read user").check()
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    found["diff"] = serious(page)

    assert {path: rules for path, rules in found.items() if rules} == {}


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(visit, staff, width):  # noqa: F811
    page, wide = enter(visit(viewport={"width": width, "height": 800}), "owner"), {}
    for path in PAGES:
        page.goto(path)
        found = page.evaluate("document.documentElement.scrollWidth")
        if found > width:
            wide[path] = found

    assert wide == {}
    assert page.complaints == []
