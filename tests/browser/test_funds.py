"""The pages of funds in a browser: a refused deposit, one that waits, one that its bank sent back, and a sub-user's wallet."""

import pytest

from apps.accounts.models import User
from apps.activities.tests.factories import PASSWORD, make_enterprise, make_sub_user
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.payments.services import settle_refund
from apps.payments.tests.factories import make_payment
from apps.wallet.models import Deposit
from apps.wallet.services import ask_deposit_refund, deposit_funds
from tests.browser.test_buying import shop
from tests.browser.test_pages import serious

__all__ = ["shop"]


@pytest.fixture
def owed(shop):
    """The address of a deposit of Ann's that went back and came back from the bank."""
    with site_context(shop):
        ann = User.objects.get(email="ann@example.com")
        deposit = Deposit.objects.create(
            user=ann, amount=50_000, currency="INR", status="paid", paid_at="2026-01-01T00:00Z"
        )
        deposit_funds(user_id=ann.pk, amount=50_000, currency="INR", ref_id=str(deposit.pk))
        make_payment(
            purpose="deposit", subject_id=deposit.pk, amount=50_000, status="succeeded", user=ann,
            succeeded_at="2026-01-01T00:00Z",
        )  # fmt: skip
        asked, _ = ask_deposit_refund(deposit=deposit, external_id="r-1", actor=SYSTEM)
        for state in ("succeeded", "failed"):
            settle_refund(refund_id=asked.pk, provider_id="re_1", state=state)
    return f"/dashboard/wallet/deposits/{deposit.pk}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_pages_of_funds_are_usable(visit, sign_in, shop, owed, width, scheme):
    page = sign_in(visit(viewport={"width": width, "height": 900}, color_scheme=scheme))

    def look(words):
        page.get_by_text(words).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(page) == []

    page.goto("/dashboard/wallet")
    page.get_by_text("Add funds").first.click()
    page.get_by_label("Amount to add").fill("0.50")
    page.get_by_role("button", name="Add funds").click()
    look("This is less than one deposit can be.")
    page.get_by_label("Amount to add").fill("5.00")
    page.get_by_role("button", name="Add funds").click()
    look("Kept open until")
    page.goto(owed)
    look("did not reach you")


def test_a_sub_users_wallet_is_usable(visit, shop):
    with site_context(shop):
        make_sub_user(make_enterprise())
    page = visit(viewport={"width": 360, "height": 900})
    page.goto("/dashboard/signin")
    page.get_by_label("Email").fill("sub@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/dashboard/")

    page.goto("/dashboard/wallet")

    page.get_by_text("Your enterprise pays for").wait_for()
    assert page.get_by_text("Add funds").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert serious(page) == []
    assert page.complaints == []
