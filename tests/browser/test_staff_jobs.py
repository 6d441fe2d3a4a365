"""What staff do all day, in a browser: many decisions at once, a batch of payouts, somebody frozen, their history, a search."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_back_office import enter, rows_of, staff  # noqa: F401
from tests.browser.test_pages import serious

MANY = 230


@pytest.fixture
def many(staff, transactional_alpha):  # noqa: F811
    """230 sales of Cleo's, each with a commission for Ben and one for Ann; five people who asked for a payout."""
    from apps.accounts.models import User
    from apps.commissions.tests.factories import make_order
    from apps.core.tenancy import site_context
    from apps.payouts.services import request_payout
    from apps.referrals.models import Partner
    from apps.referrals.tests.factories import make_chain
    from apps.wallet.tests.factories import give_earnings

    with site_context(transactional_alpha):
        cleo = Partner.objects.get(user__email="cleo@example.com")
        for _ in range(MANY):
            make_order(cleo, ("server", 10_000))
        for partner in make_chain(5):
            give_earnings(partner.user, 2_000)
            request_payout(user=partner.user, amount=1_500)
        ben = User.objects.get(email="ben@example.com")
    work(transactional_alpha)
    return {**staff, "ben": str(ben.pk)}


def work(site_id):
    """What the worker would do."""
    from apps.core import outbox

    while any(outbox.drain(site_id, consumer) for consumer in sorted(outbox.consumers())):
        pass


def press(page, action, *, note=""):
    page.get_by_label("What to do with them").select_option(label=action)
    if note:
        page.get_by_label("Reason", exact=False).first.fill(note)
    page.get_by_role("button", name="Do it").click()


def test_hundreds_are_approved_by_a_job_whose_progress_is_seen(visit, many, transactional_alpha):
    from apps.backoffice import jobs
    from apps.core import outbox

    page = enter(visit(), "manager")
    page.get_by_label("Waiting for you").get_by_role("link", name="Commissions").click()
    rows_of(page).nth(0).get_by_role("checkbox").check()
    press(page, "Reject, with a reason", note="Bought for the household")
    expect(page.get_by_role("status")).to_contain_text("1 rejected.")
    label = page.get_by_text(re.compile(r"^All that fit, \d+ on every page"))
    total = int(re.search(r"\d+", label.inner_text())[0])
    assert total > 2 * MANY - 2

    label.click()
    press(page, "Approve, into the partners' earnings")

    expect(page.get_by_role("heading", name="At work")).to_be_visible()
    expect(page.get_by_text(f"0 of {total} rows")).to_be_visible()
    outbox.drain(transactional_alpha, "backoffice", limit=1)
    expect(page.get_by_text(f"{jobs.AT_ONCE} of {total} rows")).to_be_visible(timeout=10_000)
    work(transactional_alpha)
    expect(page.get_by_role("heading", name="Ended")).to_be_visible(timeout=10_000)
    expect(page.get_by_text(f"{total} done")).to_be_visible()
    page.goto("/admin/commissions/commission/?status__exact=pending")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    assert page.complaints == []


def test_two_hundred_chosen_by_the_page_are_approved_at_once(visit, many):
    page = enter(visit(), "manager")
    page.goto("/admin/commissions/commission/?status__exact=pending&level__exact=2")
    page.get_by_text(re.compile(r"^All that fit")).click()
    expect(page.get_by_role("checkbox", name=re.compile("All that fit"))).to_be_checked()
    page.goto("/admin/commissions/commission/?status__exact=pending&all=")
    boxes = rows_of(page).get_by_role("checkbox").count()

    page.locator("#action-toggle").check()
    press(page, "Approve, into the partners' earnings")

    expect(page.get_by_role("status")).to_contain_text(f"{boxes} approved.")
    assert page.complaints == []


def test_a_batch_of_payouts_is_approved_and_paid(visit, many):
    page = enter(visit(), "owner")
    page.get_by_label("Waiting for you").get_by_role("link", name="Payouts to review").click()
    asked = rows_of(page).count()
    assert asked == 6
    page.locator("#action-toggle").check()
    press(page, "Approve")
    expect(page.get_by_role("status")).to_contain_text(f"{asked} payouts approved.")
    page.get_by_role("navigation", name="By status").get_by_role("link", name="Approved").click()
    page.locator("#action-toggle").check()
    press(page, "Pay, or mark as paid", note="BATCH-7")

    expect(page.get_by_role("status")).to_contain_text(f"{asked + 1} payouts paid or on the way.")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Home").click()
    expect(page.get_by_text("They agree")).to_be_visible()
    assert page.complaints == []


def test_somebody_is_found_frozen_and_their_history_read(visit, many):
    page = enter(visit(), "owner")
    page.get_by_label("Search everything").fill("ben@")
    page.get_by_label("Search everything").press("Enter")
    page.get_by_role("link", name="Ben Example").first.click()
    expect(page.get_by_role("heading", name="Signing in")).to_be_visible()
    page.get_by_role("link", name="Partner", exact=True).click()
    page.get_by_label("Reason").fill("Two accounts of one person")
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("status")).to_contain_text("1 partner made frozen.")

    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("Two accounts of one person")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("frozen").first).to_be_visible()
    page.goto("/admin/accounts/membership/?q=ben@")
    rows_of(page).get_by_role("link").first.click()
    page.get_by_label("Reason").fill("Rang us up")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("status")).to_contain_text("1 member suspended.")
    expect(page.get_by_text("Rang us up")).to_be_visible()
    assert page.complaints == []


def test_the_tree_opens_branch_by_branch_by_keyboard(visit, many):
    page = enter(visit(), "manager")
    page.goto("/admin/referrals/partner/tree/")
    branch = page.locator("#tree summary").filter(has_text="Ann Example")
    branch.focus()
    branch.press("Enter")
    expect(page.locator("#tree summary").filter(has_text="Ben Example")).to_be_visible()
    page.get_by_label("Find a partner in the tree").fill("cleo@")
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("heading", name="Cleo Example", exact=True)).to_be_visible()
    expect(page.get_by_text("They have not brought anybody.")).to_be_visible()
    assert page.complaints == []


def test_the_front_page_comes_anew_until_it_is_paused(visit, many):
    page = visit()
    page.clock.install()
    enter(page, "owner")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)
    page.clock.run_for(21_000)
    page.wait_for_timeout(300)
    seen = len(asked)
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(60_000)
    page.wait_for_timeout(300)

    assert seen >= 1
    assert len(asked) == seen
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_these_pages_are_usable_by_everybody(visit, many, scheme, width):
    page, found, wide = enter(visit(color_scheme=scheme, viewport={"width": width, "height": 800}), "owner"), {}, {}
    page.goto("/admin/accounts/membership/?q=ben@")
    member = rows_of(page).get_by_role("link").first.get_attribute("href")
    page.goto("/admin/commissions/commission/?status__exact=pending")
    page.get_by_text(re.compile(r"^All that fit")).click()
    press(page, "Approve, into the partners' earnings")
    paths = (
        "/admin/?revenue=month", "/admin/search/?q=ben", "/admin/search/", "/admin/referrals/partner/tree/", member,
        "/admin/backoffice/bulkjob/", page.url,
    )  # fmt: skip
    for path in paths:
        page.goto(path)
        found[path] = serious(page)
        wide[path] = page.evaluate("document.documentElement.scrollWidth")

    assert {path: rules for path, rules in found.items() if rules} == {}
    assert {path: pixels for path, pixels in wide.items() if pixels > width} == {}
    assert page.complaints == []
