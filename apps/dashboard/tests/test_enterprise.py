"""Pages of activities and enterprises."""

import re

import pytest

from apps.accounts.models import Membership
from apps.accounts.tests.browsers import browser_of
from apps.activities.models import Activity
from apps.activities.tests.factories import PDF, give_funds, make_enterprise, make_form, make_sub_user, offer
from apps.wallet.selectors import wallet_summary

PASSWORD = "correct horse battery"


@pytest.fixture
def firm(site):
    offer()
    return make_enterprise(funds=10_000)


def once(page):
    return re.search(r'name="once" value="([^"]+)"', page.content.decode())[1]


def test_a_report_is_run_once_and_downloaded(site, firm):
    browser = browser_of(firm.user, site)
    page = browser.get("/dashboard/activities")
    assert "Run for ₹10.00" in page.content.decode()
    sent = {"report": "ledger", "format": "xlsx", "date_from": "2020-01-01", "once": once(page)}

    for _ in range(2):
        assert browser.post("/dashboard/activities/report", sent).status_code == 302

    made = Activity.objects.get()
    assert wallet_summary(firm.user_id).funds == 9000
    listed = browser.get("/dashboard/activities").content.decode()
    assert all(text in listed for text in ("Ledger, XLSX", "Download", "₹90.00"))
    file = browser.get(f"/dashboard/activities/{made.pk}/file")
    assert (file.content[:2], file["X-Content-Type-Options"]) == (b"PK", "nosniff")
    assert "attachment" in file["Content-Disposition"]


def test_a_form_is_paid_for_and_a_short_balance_is_told(site, make_user):
    offer()
    form, ben = make_form(), make_user("ben@example.com")
    give_funds(ben, 600)
    browser = browser_of(ben, site)
    address = f"/dashboard/activities/forms/{form.pk}"

    assert browser.post(address, {"once": once(browser.get("/dashboard/activities"))}).status_code == 302
    assert browser.get(f"/dashboard/activities/{Activity.objects.get().pk}/file").content == PDF
    refused = browser.post(address, {"once": once(browser.get("/dashboard/activities"))})
    assert (refused.status_code, "not enough funds" in refused.content.decode()) == (409, True)
    report = {"report": "ledger", "format": "pdf", "once": once(browser.get("/dashboard/activities"))}
    assert "not enough funds" in browser.post("/dashboard/activities/report", report).content.decode()
    assert browser.post("/dashboard/activities/report", report | {"once": "forged"}).status_code == 409
    assert (Activity.objects.count(), wallet_summary(ben.pk).funds) == (1, 100)


def test_an_enterprise_makes_limits_and_suspends(site, firm):
    browser = browser_of(firm.user, site)
    new = {"email": "sub@example.com", "full_name": "Sub One", "password": PASSWORD, "spending_limit": "12.50",
           "allowed": ["report_generation"]}  # fmt: skip
    assert browser.post("/dashboard/enterprise/sub-users", new | {"password": "short"}).status_code == 400
    assert browser.post("/dashboard/enterprise/sub-users", new).status_code == 302
    sub = Membership.objects.get(user__email="sub@example.com")
    assert (sub.spending_limit, sub.allowed, sub.enterprise_id) == (1250, ["report_generation"], firm.pk)
    theirs = browser_of(sub.user, site)
    assert "To the activities" in theirs.get("/dashboard/").content.decode()
    page = theirs.get("/dashboard/activities")
    assert "₹0.00 of ₹12.50 this month" in page.content.decode()
    sent = {"report": "activities", "format": "pdf", "once": once(page)}
    assert theirs.post("/dashboard/activities/report", sent).status_code == 302
    again = theirs.post("/dashboard/activities/report", sent | {"once": once(theirs.get("/dashboard/activities"))})
    assert "beyond the spending limit" in again.content.decode()

    for period in ("day", "month", "year"):
        board = browser.get(f"/dashboard/enterprise?period={period}").content.decode()
        assert all(text in board for text in ("Sub One", "₹12.50", "₹10.00", "1 of 1 sub-users active"))
    one = f"/dashboard/enterprise/sub-users/{sub.user_id}"
    assert 'value="12.50"' in browser.get(one).content.decode()
    browser.post(one, {"full_name": "Sub Uno", "spending_limit": "", "allowed": ["report_generation", "statistics"]})
    sub.refresh_from_db()
    assert (sub.spending_limit, sub.allowed, sub.user.full_name) == (
        None,
        ["report_generation", "statistics"],
        "Sub Uno",
    )
    browser.post(f"{one}/switch")
    assert theirs.get("/dashboard/activities").status_code == 302
    browser.post(f"{one}/switch", {"is_active": "1"})
    assert theirs.get("/dashboard/activities").status_code == 200
    statement = browser.get("/api/v1/enterprise/statement?format=csv")
    assert b"Sub One" in b"".join(statement.streaming_content)


def test_nobody_else_gets_in(site, firm, make_user):
    theirs = make_sub_user(make_enterprise("other@example.com"), "theirs@example.com")
    one = f"/dashboard/enterprise/sub-users/{theirs.user_id}"
    mine = browser_of(firm.user, site)

    assert [mine.get(one).status_code, mine.post(one, {}).status_code, mine.post(f"{one}/switch").status_code] == [
        404
    ] * 3
    for user in (theirs.user, make_user("ben@example.com")):
        browser = browser_of(user, site)
        for address in ("/dashboard/enterprise", one):
            assert browser.get(address).status_code == 403
        assert browser.post("/dashboard/enterprise/sub-users", {}).status_code == 403
    theirs.refresh_from_db()
    assert theirs.is_active
