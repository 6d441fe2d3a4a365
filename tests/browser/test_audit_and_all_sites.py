"""The history of a row, the audit's filters, a file, and all sites at once: in a browser, in both themes and on a phone."""

import pytest
from playwright.sync_api import expect

from apps.dashboard.tests.conftest import PASSWORD
from tests.browser.test_back_office import enter, rows_of, staff  # noqa: F401  (a fixture)
from tests.browser.test_pages import serious

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit"])

ACROSS = (
    "/admin/",
    "/admin/commissions/commission/",
    "/admin/audit/auditevent/",
    "/admin/sites/site/",
    "/admin/accounts/apikey/",
)


@pytest.fixture
def platform(staff, transactional_alpha, live_server):  # noqa: F811
    """platform(page) → the owner of the platform signed in on its own host, at work at ALPHA."""
    from apps.accounts.models import User
    from apps.audit.services import SYSTEM
    from apps.core.tenancy import site_context
    from apps.rbac.services import grant_platform_role

    with site_context(transactional_alpha):
        user = User.objects.create_user(email="olga@example.com", password=PASSWORD, full_name="Olga Owner")
        grant_platform_role(user=user, role_key="super_admin", actor=SYSTEM, access=None)
    home = live_server.url

    def sign_in(page):
        page.goto(f"{home}/admin/")
        page.get_by_label("E-mail").fill("olga@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Work at ALPHA").click()
        expect(page.get_by_label("Site to work at")).to_be_visible()
        page.wait_for_load_state()  # the switcher submits itself by script
        return home

    return sign_in


def choose_all(page):
    page.get_by_label("Site to work at").select_option(label="All sites, read only")
    expect(page.get_by_role("heading", name="All sites", level=1)).to_be_visible()


def test_an_owner_reads_all_sites_and_goes_back_to_work(visit, platform):
    page = visit()
    platform(page)
    choose_all(page)
    expect(page.get_by_role("row", name="ALPHA")).to_contain_text("₹")
    expect(page.get_by_role("row", name="DOLLAR")).to_contain_text("$0.00")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Commissions").click()
    page.locator(".bo-filter summary", has_text="Site").click()
    page.get_by_role("link", name="ALPHA · Alpha").click()
    assert rows_of(page).count() >= 3
    rows_of(page).get_by_role("link").first.click()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History", level=1)).to_be_visible()

    page.get_by_role("button", name="Back to ALPHA").click()
    expect(page.get_by_text("You are reading all sites")).to_have_count(0)
    expect(page.get_by_role("heading", name="All sites", level=1)).to_have_count(0)
    assert page.complaints == []


def test_the_audit_a_history_and_a_file(visit, staff):  # noqa: F811
    page = enter(visit(), "owner")
    page.goto("/admin/payouts/payout/?status__exact=approved")
    rows_of(page).get_by_role("link").first.click()
    page.get_by_role("link", name="History").click()
    expect(page.locator(".timeline")).to_contain_text("approved a payout")
    page.get_by_role("link", name="Entry in the audit").first.click()
    expect(page.get_by_role("heading", name="System approved a payout")).to_be_visible()

    page.goto("/admin/audit/auditevent/")
    page.locator("summary", has_text="Action").click()
    page.get_by_label("Such as payout.approved").fill("payout.approved")
    page.keyboard.press("Enter")
    expect(rows_of(page)).to_have_count(1)
    expect(page.locator("summary", has_text="Action")).to_contain_text("payout.approved")
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV, every row").click()
    lines = started.value.path().read_text().splitlines()

    assert started.value.suggested_filename.startswith("ALPHA-audit-auditevent-")
    assert len(lines) == 2
    assert "approved a payout" in lines[1]
    assert page.complaints == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_these_pages_are_usable_by_everybody(visit, platform, scheme, width):
    page = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
    home = platform(page)
    wrong = {}

    def look(name):
        found = serious(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if found or wide > width:
            wrong[name] = (found, wide)

    page.goto(f"{home}/admin/audit/auditevent/")
    for summary in ("Days", "Export", "Request"):
        page.locator("summary", has_text=summary).click()
        look(f"audit, {summary} open")
        page.locator("h1").click()  # which closes it
    page.goto(f"{home}/admin/payouts/payout/")
    rows_of(page).get_by_role("link").first.click()
    page.get_by_role("link", name="History").click()
    look("history")
    choose_all(page)
    for path in ACROSS:
        page.goto(home + path)
        look(f"all sites, {path}")
        if rows_of(page).count():
            rows_of(page).get_by_role("link").first.click()
            look(f"all sites, {path}…")

    assert wrong == {}
    # The last page of ACROSS is one that is refused there, and says so with its status.
    assert [text for text in page.complaints if "403" not in text] == []
