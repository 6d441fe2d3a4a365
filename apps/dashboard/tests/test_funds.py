"""Adding funds, bonuses and statements on the wallet page."""

import csv
import io
import re

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.tests.browsers import browser_of
from apps.activities.tests.factories import make_enterprise, make_sub_user
from apps.audit.services import SYSTEM
from apps.bonuses.services import freeze_bonus
from apps.bonuses.tests.factories import bid, make_rules
from apps.orders.tests.conftest import shop, stripe, told
from apps.payments.models import PaymentRefund, StripeAccount
from apps.payments.services import settle_refund
from apps.payments.tests.factories import intent_of
from apps.referrals.tests.factories import make_partner as below
from apps.sites.services import change_settings, change_site
from apps.wallet.models import Deposit
from apps.wallet.selectors import wallet_summary
from apps.wallet.services import ask_deposit_refund
from apps.wallet.services.deposits import payment_of
from apps.wallet.tests.factories import give_earnings

__all__ = ["shop", "stripe", "told"]

WALLET = "/dashboard/wallet"


def text(answer):
    return answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_from_add_funds_to_money_in_the_pocket(shop, signed_in, ann, told, settings):
    settings.UPLINE_STRIPE_PAY_URL = "https://pay.example/pay/"
    browser = signed_in(ann)
    assert "Add funds" in text(browser.get(WALLET))

    opened = browser.post(f"{WALLET}/deposits", {"amount": "₹500"})

    deposit = Deposit.objects.get()
    assert (opened["Location"], deposit.amount, deposit.ip_address) == (
        f"{WALLET}/deposits/{deposit.pk}", 50_000, "127.0.0.1",
    )  # fmt: skip
    assert "Pay ₹500.00" in text(browser.get(opened["Location"]))
    asked = browser.get(f"{WALLET}/deposits/{deposit.pk}/pay")
    assert asked["Location"].startswith(f"https://pay.example/pay/{payment_of(deposit).provider_id}_secret_")
    assert "Waiting for the bank" in text(browser.get(f"{opened['Location']}?paid=1"))
    told("payment_intent.succeeded", intent_of(payment_of(deposit)))
    assert "In your funds since" in text(browser.get(f"{opened['Location']}?paid=1"))
    assert wallet_summary(ann.pk).funds == 50_000
    assert "₹500<small>.00</small>" in text(browser.get(WALLET))


@pytest.mark.django_db(transaction=True)
def test_an_amount_that_is_too_small_comes_back_to_its_field(shop, signed_in, ann):
    answer = signed_in(ann).post(f"{WALLET}/deposits", {"amount": "0.50"})

    assert answer.status_code == 400
    assert "This is less than one deposit can be." in text(answer)
    assert Deposit.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_whatever_follows_a_refusal_is_the_wallets(shop, signed_in, ann):
    """It stands at the address deposits are posted to: nothing of it may go there too."""
    for _ in range(30):
        give_earnings(ann, 100)
    browser = signed_in(ann)

    refused = browser.post(f"{WALLET}/deposits", {"amount": "0.50"})

    page = text(refused)
    main = page[page.index("<main") :]
    actions = [re.search(r'action="([^"]*)"', form) for form in re.findall(r"<form[^>]*>", main)]
    assert all(actions), main
    statement = f"{WALLET}/statement"
    assert [action[1] for action in actions] == [f"{WALLET}/deposits", WALLET, statement, statement, WALLET]
    assert browser.post(actions[1][1], {"amount": "5.00"}).status_code == 302
    assert (wallet_summary(ann.pk).funds, Deposit.objects.count()) == (500, 0)
    older = browser.get(refused.context["page"].older)
    assert (older.status_code, len(older.context["page"].rows)) == (200, 5)


@pytest.mark.django_db(transaction=True)
def test_where_stripe_is_silent_the_page_says_so(shop, signed_in, ann, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    answer = signed_in(ann).post(f"{WALLET}/deposits", {"amount": "5.00"})

    assert (answer.status_code, Deposit.objects.get().status) == (503, "cancelled")
    assert "Stripe doesn" in text(answer)


@pytest.mark.django_db
def test_others_deposits_are_not_mine(site, signed_in, ann, make_user):
    deposit = Deposit.objects.create(user=make_user(), amount=500, currency="INR")

    assert signed_in(ann).get(f"{WALLET}/deposits/{deposit.pk}").status_code == 404
    assert signed_in(ann).get(f"{WALLET}/deposits/{deposit.pk}/pay").status_code == 404


@pytest.mark.django_db
def test_a_site_without_stripe_offers_no_deposits(signed_in, ann):
    assert "Add funds" not in text(signed_in(ann).get(WALLET))


@pytest.mark.django_db(transaction=True)
def test_a_retired_account_takes_no_deposits(shop, signed_in, ann):
    StripeAccount.objects.update(retired_at=timezone.now())

    assert "Add funds" not in text(signed_in(ann).get(WALLET))


@pytest.mark.django_db(transaction=True)
def test_who_is_owed_a_deposit_is_told(shop, signed_in, ann, told):
    browser = signed_in(ann)
    browser.post(f"{WALLET}/deposits", {"amount": "₹500"})
    deposit = Deposit.objects.get()
    told("payment_intent.succeeded", intent_of(payment_of(deposit)))
    deposit.refresh_from_db()
    asked, _ = ask_deposit_refund(deposit=deposit, external_id="r-1", amount=20_000, actor=SYSTEM)
    settle_refund(refund_id=asked.pk, provider_id="re_1", state="succeeded")
    page = f"{WALLET}/deposits/{deposit.pk}"
    assert "₹200.00 went back to you" in text(browser.get(page))

    settle_refund(refund_id=asked.pk, provider_id="re_1", state="failed")

    assert PaymentRefund.objects.get().owed
    assert "₹200.00 did not reach you" in text(browser.get(page))


@pytest.mark.django_db(transaction=True)
def test_a_sub_user_is_told_who_pays(shop, site):
    sub = make_sub_user(make_enterprise()).user
    give_earnings(sub, 500)
    browser = browser_of(sub, site)

    page = text(browser.get(WALLET))

    assert "Your enterprise pays for" in page
    for words in ("Add funds", "Move earnings", "Funds pay for"):
        assert words not in page
    for path, amount in ((f"{WALLET}/deposits", "5.00"), (WALLET, "1.00")):
        refused = browser.post(path, {"amount": amount})
        assert (refused.status_code, "Your enterprise pays" in text(refused)) == (409, True)
    assert (Deposit.objects.count(), wallet_summary(sub.pk).funds) == (0, 0)


@pytest.mark.django_db
def test_low_funds_are_called_low(signed_in, ann):
    assert "Your funds are low" not in text(signed_in(ann).get(WALLET))

    change_settings(changes={"low_balance": 1_000}, actor=SYSTEM)

    assert "Your funds are low" in text(signed_in(ann).get(WALLET))


@pytest.mark.django_db
def test_bonuses_stand_with_status_event_source_flag_and_reason(signed_in, make_partner, make_user):
    make_rules()
    ann = make_partner("Ann")
    bonus = bid(below(ann.partner)).bonus
    freeze_bonus(bonus=bonus, fraud_notes="", actor=make_user())
    third = [bid(below(below()), ip="203.0.113.7") for _ in range(2)] and bid(below(ann.partner), ip="203.0.113.7")

    page = text(signed_in(ann).get(WALLET))

    for words in ("First bid", "User", "Frozen", "Flagged", "₹25.00", third.reason):
        assert words in page


@pytest.mark.django_db
def test_a_statement_of_a_month_in_the_sites_own_calendar(signed_in, ann):
    """In Kolkata March begins at 18:30 UTC of February's last day."""
    change_site(changes={"time_zone": "Asia/Kolkata"}, actor=SYSTEM)
    for moment, amount in (("2026-02-28 18:29:00", 100), ("2026-02-28 18:31:00", 2_000), ("2026-03-31 18:31:00", 50)):
        with time_machine.travel(f"{moment}+00:00", tick=False):
            give_earnings(ann, amount)

    answer = signed_in(ann).get(f"{WALLET}/statement", {"month": "2026-03", "format": "csv"})

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"), newline="")))
    told = [(row["when"], row["movement"], row["pocket"], row["amount"], row["pocket_then"]) for row in rows]
    assert [row for row in told if row[2] == "Earnings"] == [
        ("2026-03-01 00:00", "Opening balance", "Earnings", "", "1.00"),
        ("2026-03-01 00:01", "Credit", "Earnings", "20.00", "21.00"),
        ("2026-04-01 00:00", "Closing balance", "Earnings", "", "21.00"),
    ]
    pdf = signed_in(ann).get(f"{WALLET}/statement", {"month": "2026-03", "format": "pdf"})
    assert b"".join(pdf.streaming_content).startswith(b"%PDF")


@pytest.mark.django_db
def test_a_statement_over_the_api(api, ann):
    give_earnings(ann, 100)

    answer = api(ann).get("/api/v1/wallet/statement", {"month": "2026-01"})

    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/csv")
    for odd in ("", "2026-13", "2199-01", "March"):
        assert api(ann).get("/api/v1/wallet/statement", {"month": odd}).status_code == 400


def test_days_that_cannot_be_come_back_to_the_wallet_with_what_is_wrong(signed_in, ann):
    browser = signed_in(ann)

    for days, said in (
        ({"from": "2026-03-02", "to": "2026-03-01"}, "The last day can’t be before the first"),
        ({"from": "2150-01-01", "to": "2026-03-01"}, "The first day has to be between the year 2000 and today."),
    ):
        answer = browser.get(f"{WALLET}/statement", {**days, "format": "csv"}, follow=True)
        assert answer.redirect_chain == [(WALLET, 302)]
        assert said in answer.content.decode(), [str(one) for one in answer.context["messages"]]
