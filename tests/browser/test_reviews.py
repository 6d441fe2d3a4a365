"""A fraud review in a browser: from the front page to a decision, in both themes and on a phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_back_office import enter, rows_of, staff  # noqa: F401 - a fixture
from tests.browser.test_pages import serious


@pytest.fixture
def suspects(staff, transactional_alpha):  # noqa: F811
    """Ann shares things with Ben, whom she brought, and is held; about Dev there is only a throwaway e-mail."""
    from apps.accounts.models import SignIn, User
    from apps.accounts.sign_ins import begin_sign_in
    from apps.audit.services import SYSTEM
    from apps.core import logs, outbox
    from apps.core.tenancy import site_context
    from apps.fraud.models import Review
    from apps.referrals.models import Partner
    from apps.referrals.services import note_circle
    from apps.wallet.models import Deposit

    with site_context(transactional_alpha):
        ann, ben, dev = (Partner.objects.get(user__email=f"{name}@example.com") for name in ("ann", "ben", "dev"))
        logs.client_ip.set("203.0.113.9")
        for who in (ann, ben):
            begin_sign_in(user=who.user, kind=SignIn.Kind.API)
            made = Deposit.objects.create(
                user=who.user,
                amount=1_000,
                currency="INR",
                status="paid",
                device_id="tablet",
                paid_at="2026-01-01T00:00Z",
            )
            outbox.publish("deposit.paid", key=str(made.pk), payload={"deposit_id": str(made.pk)})
        logs.client_ip.set("")
        note_circle(partner_id=ann.pk, reason="self_referral", actor=SYSTEM)
        User.objects.filter(pk=dev.user_id).update(email="dev@mailinator.com")
        outbox.publish("partner.joined", key="again", payload={"partner_id": str(dev.pk)})
    while any(outbox.drain(transactional_alpha, consumer) for consumer in sorted(outbox.consumers())):
        pass
    with site_context(transactional_alpha):
        return {"ann": ann.pk, "review": Review.objects.get(partner=ann).pk}


def status_of(site_id, pk):
    from apps.core.tenancy import site_context
    from apps.fraud.models import Review

    with site_context(site_id):
        review = Review.objects.select_related("partner").get(pk=pk)
        return review.status, review.partner.status


def usable(page, width):
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_review_is_found_looked_at_and_cleared(visit, suspects, transactional_alpha, width, scheme):
    page = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "owner")
    page.get_by_label("Waiting for you").get_by_role("link", name="Fraud reviews").click()
    expect(rows_of(page)).to_have_count(3)
    usable(page, width)
    rows_of(page).filter(has_text="Ann Example").get_by_role("link").first.click()

    expect(page.get_by_role("img", name="Score 85: a review opens at 20")).to_be_visible()
    expect(page.get_by_role("region", name="Signals")).to_contain_text("Tried to stand below themselves, once")
    usable(page, width)
    page.get_by_label("Reason").fill("A family that shares a tablet")
    page.get_by_role("button", name="Clear").click()

    expect(page.get_by_role("status")).to_contain_text("1 review cleared.")
    assert status_of(transactional_alpha, suspects["review"]) == ("cleared", "active")
    usable(page, width)
    assert page.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_a_review_is_confirmed_by_way_of_the_radius(visit, suspects, transactional_alpha, width, scheme):
    page = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "owner")
    page.goto(f"/admin/referrals/partner/{suspects['ann']}/change/")
    page.get_by_role("link", name="Review, score 85").click()
    page.get_by_role("link", name="Freeze…").click()
    expect(page.get_by_role("heading", name="What a freeze touches")).to_be_visible()
    usable(page, width)
    page.get_by_label("Reason").fill("One person")
    page.get_by_role("button", name="Confirm and freeze").click()

    expect(page.get_by_role("status")).to_contain_text("is frozen, with what depends on them")
    assert status_of(transactional_alpha, suspects["review"]) == ("confirmed", "frozen")
    usable(page, width)
    assert page.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_these_pages_are_usable_by_everybody(visit, suspects, width, scheme):
    page = enter(visit(viewport={"width": width, "height": 900}, color_scheme=scheme), "owner")
    for address in ("review/", "signal/", "trace/", "fraudsettings/", "fraudsettings/add/"):
        page.goto(f"/admin/fraud/{address}")
        usable(page, width)
    page.goto("/admin/fraud/fraudsettings/add/")
    page.get_by_label("Points: same card").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(rows_of(page)).to_have_count(1)
    usable(page, width)
    rows_of(page).get_by_role("link").first.click()
    usable(page, width)
    assert page.complaints == []


def test_a_review_is_decided_by_keyboard_alone(visit, suspects, transactional_alpha):
    page = enter(visit(), "owner")
    page.goto(f"/admin/fraud/review/{suspects['review']}/change/")
    page.get_by_label("Reason").focus()
    page.keyboard.type("A family")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Clear"
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 review cleared.")
    assert status_of(transactional_alpha, suspects["review"]) == ("cleared", "active")
