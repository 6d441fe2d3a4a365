"""A batch of payouts is proposed, looked at, approved by another, watched, and fed with what the bank says."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_back_office import enter, rows_of, staff  # noqa: F401 - a fixture
from tests.browser.test_pages import serious


@pytest.fixture
def earned(staff, transactional_alpha):  # noqa: F811
    """Ann's request is approved, and Cleo has earned something and has no method."""
    from apps.accounts.models import User
    from apps.core.tenancy import site_context
    from apps.wallet.tests.factories import give_earnings

    with site_context(transactional_alpha):
        give_earnings(User.objects.get(email="cleo@example.com"), 7_000)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_from_proposing_to_what_the_bank_says(visit, earned, transactional_alpha, width, scheme):
    from apps.core import outbox
    from apps.core.tenancy import site_context
    from apps.payouts.models import Payout

    def fits(page):
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    page = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "manager")
    page.goto("/admin/payouts/payoutbatch/add/")
    page.get_by_label("Everybody’s earnings").check()
    fits(page)
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("heading", name="1 would be paid")).to_be_visible()
    expect(page.get_by_text("no payout method")).to_be_visible()
    fits(page)
    address = page.url

    boss = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "owner")
    boss.goto(address)
    boss.get_by_role("button", name="Approve and send").click()
    expect(boss.get_by_role("heading", name="Who is paid")).to_be_visible()
    fits(boss)
    boss.get_by_role("button", name="Send ₹").click()
    expect(boss.get_by_text("1 batch on the way.")).to_be_visible()
    while any(outbox.drain(transactional_alpha, consumer) for consumer in sorted(outbox.consumers())):
        pass

    page.goto(address)
    expect(page.get_by_role("status").filter(has_text="0 of 1 payouts are over")).to_be_visible()
    fits(page)
    with site_context(transactional_alpha):
        payout = Payout.objects.get(status="processing")
    beside = page.context.new_page()
    beside.goto(address)
    beside.get_by_role("link", name="Book what the bank says").click()
    text = f"ref,status,reference,reason\n{payout.pk},paid,N-77,\n"
    beside.get_by_label("What the bank says").set_input_files(
        {"name": "bank.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    fits(beside)
    beside.get_by_role("button", name="Book them").click()
    expect(beside.get_by_text("1 paid, 0 failed, 0 known before.")).to_be_visible()
    # The first page was left alone and has followed.
    expect(page.get_by_role("status").filter(has_text="1 of 1 payouts are over")).to_be_visible(timeout=15_000)
    beside.close()
    assert page.complaints == []


def test_comparing_and_proposing_need_no_mouse(visit, earned):
    page = enter(visit(viewport={"width": 360, "height": 800}), "manager")
    page.goto("/admin/payouts/reconciliation/")
    page.get_by_role("link", name="Compare now").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("How many days back").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="0 differences")).to_be_visible()
    expect(page.get_by_text("Everything agrees.")).to_be_visible()
    assert serious(page) == []

    page.goto("/admin/payouts/payoutbatch/")
    page.get_by_role("link", name="Propose a batch").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Everybody’s earnings").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 would be paid")).to_be_visible()
    assert page.complaints == []
