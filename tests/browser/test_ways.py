"""What people come to do, in a browser."""

import re

from playwright.sync_api import expect


def test_from_signing_in_to_a_requested_payout(visit, sign_in, story):
    page = sign_in(visit())
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("You can ask for it now.")).to_be_visible()

    page.get_by_role("link", name="Request payout").click()
    page.get_by_label("To", exact=True).select_option(label="UPI an···@bank")
    page.get_by_text("Ask for a part only").click()
    page.get_by_label("Amount").fill("1,000.50")
    page.get_by_role("button", name="Request payout").click()

    expect(page.get_by_role("status")).to_contain_text("You asked for ₹1,000.50.")
    expect(page.get_by_text("A person checks it")).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("status")).to_contain_text("The money is available again.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/dashboard/payouts")
    expect(page).to_have_url(re.compile(r"/dashboard/signin\?next=/dashboard/payouts"))
    assert page.complaints == []


def test_from_a_shared_link_to_a_partner_of_ones_own(visit, story):
    page = visit(viewport={"width": 360, "height": 800})
    page.goto(f"/r/{story['code']}")

    expect(page.get_by_text("invites you")).to_be_visible()
    page.get_by_label("Name").fill("Eva Example")
    page.get_by_label("Email").fill("eva@example.com")
    page.get_by_label("Password").fill("12345678")
    page.get_by_role("button", name="Create my partner account").click()
    expect(page.get_by_text("entirely numeric")).to_be_visible()
    page.get_by_label("Password").fill("a-long-password-1")
    page.get_by_role("button", name="Create my partner account").click()

    expect(page.get_by_role("status")).to_contain_text("Welcome to Alpha.")
    page.get_by_role("link", name="EE, menu").click()
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_text("eva@example.com")).to_be_visible()


def test_a_commission_is_explained_to_the_last_digit(visit, sign_in, story):
    page = sign_in(visit())
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Commissions").click()

    page.get_by_role("link", name=re.compile("^Explain .*₹2,397.71")).first.click()

    sum_of = page.get_by_role("region", name="How ₹2,397.71 was worked out")
    expect(sum_of).to_contain_text("20\xa0%")
    expect(sum_of).to_contain_text("the same ₹2,397.71")
    page.get_by_role("link", name=re.compile("^Close the explanation")).click()
    expect(sum_of).to_be_hidden()


def test_a_branch_opens_in_place_by_keyboard(visit, sign_in, story):
    page = sign_in(visit())
    page.goto("/dashboard/team")

    page.locator("summary", has_text="Ben Example").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Cleo Example")).to_be_visible()
    expect(page).to_have_url(re.compile("/dashboard/team$"))
    assert page.complaints == []


def test_without_script_everything_still_works(visit, sign_in, story):
    page = sign_in(visit(java_script_enabled=False, viewport={"width": 360, "height": 800}))
    page.goto("/dashboard/team")
    page.locator("summary", has_text="Ben Example").click()
    page.get_by_role("link", name=re.compile("1 direct")).click()
    expect(page.get_by_text("Cleo Example")).to_be_visible()

    page.goto("/dashboard/commissions")
    page.get_by_label("Level").select_option("2")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("level=2"))

    page.get_by_role("link", name="AE, menu").click()
    page.get_by_role("link", name="Wallet").click()
    expect(page.get_by_role("heading", name="Wallet")).to_be_visible()


def test_the_theme_is_kept_by_the_next_page(visit, sign_in, story):
    page = sign_in(visit(color_scheme="light"))
    page.get_by_role("button", name="Dark theme").click()

    answer = page.goto("/dashboard/wallet")

    assert answer is not None
    assert '<html lang="en" data-theme="dark">' in answer.text()  # by the server, so that it does not flash


def test_the_link_is_copied(visit, sign_in, story):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page)

    page.get_by_role("button", name="Copy link").click()

    expect(page.get_by_text("Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/r/{story['code']}")
