"""The back office in a browser: the day's work of a manager, in both themes and on a phone."""

import pytest
from playwright.sync_api import expect

from apps.dashboard.tests.conftest import PASSWORD
from tests.browser.test_pages import serious

PAGES = (
    "/admin/", "/admin/commissions/commission/", "/admin/payouts/payout/", "/admin/referrals/partner/", "/admin/wallet/entry/",
    "/admin/audit/auditevent/", "/admin/commissions/planversion/", "/admin/sites/sitesettings/", "/admin/rbac/role/",
    "/admin/core/outboxevent/", "/admin/bonuses/bonus/", "/admin/bonuses/bonusrule/", "/admin/wallet/deposit/",
    "/admin/security/", "/admin/accounts/signin/", "/admin/accounts/twofactordevice/", "/admin/payouts/payoutbatch/",
    "/admin/payouts/payoutbatchitem/", "/admin/payouts/payouttransfer/", "/admin/payouts/payoutresultfile/",
    "/admin/payouts/reconciliation/", "/admin/payouts/payoutmethod/",
)  # fmt: skip
FORMS = (
    "/admin/accounts/apikey/add/", "/admin/commissions/planversion/add/", "/admin/payouts/payoutbatch/add/",
    "/admin/payouts/reconciliation/add/",
)  # fmt: skip


@pytest.fixture
def staff(story, transactional_alpha):
    """A manager, and an owner for what a manager may not see; two payouts, one of them approved."""
    from apps.accounts.models import Membership, User
    from apps.audit.services import SYSTEM
    from apps.core.tenancy import site_context
    from apps.payouts.services import approve_payout, request_payout
    from apps.rbac.models import Role
    from apps.rbac.services import assign_role
    from apps.wallet.tests.factories import give_earnings

    with site_context(transactional_alpha):
        for name, role in (("manager", "affiliate_manager"), ("owner", "super_admin")):
            user = User.objects.create_user(email=f"{name}@example.com", password=PASSWORD, full_name=f"Mara {role}")
            Membership.objects.create(user=user, user_type="staff")
            assign_role(user=user, role=Role.objects.get(key=role), actor=SYSTEM, access=None)
        ann, ben = (User.objects.get(email=f"{name}@example.com") for name in ("ann", "ben"))
        give_earnings(ben, 5_000)
        approve_payout(payout=request_payout(user=ann, amount=100_000), actor=SYSTEM)
        request_payout(user=ben, amount=5_000)
    return story


def enter(page, who):
    page.goto("/admin/")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    return page


def rows_of(page):
    return page.locator("#result_list tbody tr")


def test_a_managers_morning(visit, staff):
    page = enter(visit(), "manager")
    page.get_by_label("Waiting for you").get_by_role("link", name="Commissions").click()
    waiting = rows_of(page).count()
    assert waiting >= 3

    rows_of(page).nth(0).get_by_role("checkbox").check()
    page.get_by_label("What to do with them").select_option(label="Reject, with a reason")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_contain_text("Say why")
    rows_of(page).nth(0).get_by_role("checkbox").check()
    page.get_by_label("What to do with them").select_option(label="Reject, with a reason")
    page.get_by_label("Reason").fill("Bought for themselves")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_contain_text("1 rejected.")

    page.locator("#action-toggle").check()
    expect(page.get_by_text(f"{waiting - 1} of {waiting - 1} chosen")).to_be_visible()
    page.get_by_label("What to do with them").select_option(label="Approve, into the partners' earnings")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_contain_text(f"{waiting - 1} approved.")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payouts").click()
    page.get_by_role("navigation", name="By status").get_by_role("link", name="Approved").click()
    rows_of(page).get_by_role("link").first.click()
    page.get_by_label("Reason, or the bank's reference").fill("UTR 123")
    page.get_by_role("button", name="Pay, or mark as paid").click()
    expect(page.get_by_role("status")).to_contain_text("1 payout paid or on the way.")
    expect(page.get_by_text("UTR 123")).to_be_visible()
    assert page.complaints == []


def test_a_partner_is_moved_after_a_look(visit, staff):
    page = enter(visit(viewport={"width": 360, "height": 800}), "manager")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Partners").click()
    rows_of(page).filter(has_text="Cleo Example").get_by_role("link").click()
    page.get_by_role("link", name="Move").click()
    page.get_by_label("New sponsor").fill("ann@example.com")
    page.get_by_label("Reason").fill("Wrong link")
    page.get_by_role("button", name="See what would change").click()

    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    page.get_by_role("button", name="Move 1 person").click()

    expect(page.get_by_role("status")).to_contain_text(f"stands below {staff['code']}")
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, staff, scheme):
    page = visit(color_scheme=scheme)
    page.goto("/admin/")
    found = {"sign in": serious(page)}
    enter(page, "owner")
    for path in PAGES:
        page.goto(path)
        found[path] = serious(page)
        row = page.locator("#result_list tbody th a").first
        if row.count():
            page.goto(row.get_attribute("href"))
            found[f"{path}…"] = serious(page)
    for path in FORMS:
        page.goto(path)
        found[path] = serious(page)

    assert {path: rules for path, rules in found.items() if rules} == {}


@pytest.mark.parametrize("width", [360, 1920])
def test_the_page_never_scrolls_sideways(visit, staff, width):
    page = enter(visit(viewport={"width": width, "height": 800}), "owner")
    wide = {}
    for path in (*PAGES, *FORMS):
        page.goto(path)
        addresses = [path]
        row = page.locator("#result_list tbody th a").first
        if row.count():
            addresses.append(row.get_attribute("href"))
        for address in addresses:
            page.goto(address)
            found = page.evaluate("document.documentElement.scrollWidth")
            if found > width:
                wide[address] = found

    assert wide == {}
    assert page.complaints == []


def test_without_script_it_still_works(visit, staff):
    page = visit(java_script_enabled=False, viewport={"width": 360, "height": 800})
    enter(page, "manager")

    page.get_by_role("link", name="MA, menu").click()
    page.locator("summary", has_text="Money").click()
    page.get_by_role("navigation", name="Everything").get_by_role("link", name="Balances").click()

    expect(page.get_by_role("heading", name="Balances")).to_be_visible()
