"""A real browser on a real server: the pages as people meet them, with scripts, styles and the content security policy."""

import os
from decimal import Decimal

import pytest

from apps.dashboard.tests.conftest import PASSWORD

CHROMIUM = os.environ.get("UPLINE_CHROMIUM", "")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="no Chromium: UPLINE_CHROMIUM is not set"))


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, beside which Django would refuse to touch the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def address(live_server):
    """Site ALPHA of the running server. Browsers find *.localhost by themselves."""
    return live_server.url.replace("localhost", "alpha.localhost")


@pytest.fixture
def visit(chromium, address):
    """visit(**options) → a page in a browser of its own; what its console complains about is in `.complaints`."""
    contexts = []

    def open_page(**options):
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = chromium.new_context(base_url=address, **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: _note(page, message))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()


def _note(page, message):
    if message.type in {"error", "warning"}:
        page.complaints.append(message.text)


@pytest.fixture
def sign_in():
    def through_the_form(page, email="ann@example.com"):
        page.goto("/dashboard/signin")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard/")
        return page

    return through_the_form


@pytest.fixture
def story(transactional_alpha):
    """Ann with a team of two levels, a plan, sales in several states, a named link and a bank account. Committed."""
    from apps.accounts.models import Membership, User
    from apps.audit.services import SYSTEM
    from apps.commissions.engine import Kind, Rule
    from apps.commissions.models import Commission
    from apps.commissions.services import approve_commissions, reject_commission
    from apps.commissions.tests.factories import make_order, make_plan, refund_order
    from apps.core import outbox
    from apps.core.tenancy import site_context
    from apps.payouts.services import add_method
    from apps.referrals.services import create_link, join, record_click

    def person(name, below=None):
        user = User.objects.create_user(
            email=f"{name.split()[0].lower()}@example.com", password=PASSWORD, full_name=name
        )
        Membership.objects.create(user=user)
        return user, join(user=user, sponsor=below)

    def deliver():
        while any(outbox.drain(transactional_alpha, consumer) for consumer in sorted(outbox.consumers())):
            pass

    with site_context(transactional_alpha):
        ann, top = person("Ann Example")
        _, ben = person("Ben Example", below=top)
        _, cleo = person("Cleo Example", below=ben)
        person("Dev Example", below=top)
        make_plan(
            Rule("server", 1, Kind.PERCENT, Decimal("0.20")), Rule("server", 2, Kind.PERCENT, Decimal("0.10")),
            Rule("domain", 1, Kind.FLAT, 10000), name="Standard",
        )  # fmt: skip
        for buyer in (ben, ben, cleo, cleo):
            make_order(buyer, ("server", 1_198_855), ("domain", 90_000, 2))
        deliver()
        mine = list(Commission.objects.filter(user=ann).order_by("-amount", "id"))
        approve_commissions(ids=[row.pk for row in mine[:2]], actor=SYSTEM)
        reject_commission(commission=mine[-1], reason="Bought for the household", actor=SYSTEM)
        refund_order(mine[2].order)
        deliver()
        link = create_link(partner=top, name="Newsletter")
        for source in (None, link, link):
            record_click(partner=top, link=source, ip="198.51.100.1", user_agent="Mozilla/5.0")
        add_method(user=ann, kind="upi", details={"vpa": "ann@bank"})
        person("Nia Newcomer")
    return {"code": top.code, "branch": str(ben.pk), "commission": str(mine[0].pk)}
