"""The inbox, the bell and the choices on the dashboard."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.notifications import selectors, services
from apps.notifications.models import Mail, Notification
from apps.notifications.services import News, tell
from apps.notifications.words import said

INBOX = "/dashboard/notifications"


def text(answer):
    return answer.content.decode()


@pytest.fixture
def told(ann):
    services.mark_all_read(user=ann)

    def run(number):
        tell([News(ann.pk, "bonus", f"b-{each}", {"amount": 2_500, "currency": "INR"}) for each in range(number)])

    return run


def test_who_chooses_hindi_reads_their_news_in_hindi(signed_in, ann, told):
    told(1)
    browser = signed_in(ann)

    answer = browser.post("/dashboard/settings", {"full_name": "Ann", "locale": "hi-IN"})

    assert answer.status_code == 302
    page = text(browser.get(INBOX))
    assert said("bonus", {"amount": 2_500, "currency": "INR"}, "hi").title in page
    assert 'lang="hi"' in page
    assert "A bonus of" not in page


def test_each_leads_to_where_it_is_to_be_seen(signed_in, ann):
    kinds = ["joined", "commission", "approved", "reversed", "payout", "bonus", "security"]
    tell([
        News(ann.pk, kind, f"way-{kind}", {"amount": 2_500, "currency": "INR", "count": 1, "name": "Ben", "what": what})
        for kind, what in zip(kinds, [""] * 4 + ["paid", "", "method_added"], strict=True)
    ])  # fmt: skip
    browser = signed_in(ann)

    page = text(browser.get(INBOX))

    for way in ("team", "commissions", "payouts", "wallet", "security"):
        assert f'<a href="/dashboard/{way}" lang="en" aria-label=' in page
        assert browser.get(f"/dashboard/{way}").status_code == 200


def test_the_bell_counts_and_reading_empties_it(signed_in, ann, told):
    told(2)
    browser = signed_in(ann)

    assert "Notifications, 2 unread" in text(browser.get("/dashboard/wallet"))
    page = text(browser.get(INBOX))
    assert page.count("A bonus of ₹25.00 was credited") == 2
    row = selectors.inbox_of(ann).first()
    assert browser.post(f"{INBOX}/{row.pk}/read").status_code == 302
    assert "Notifications, 1 unread" in text(browser.get(INBOX))
    browser.post(f"{INBOX}/read")
    assert "Nothing unread" in text(browser.get(INBOX))


def test_the_bell_is_one_question_however_many_there_are(signed_in, ann, told):
    browser = signed_in(ann)
    told(1)
    browser.get(INBOX)  # the first page of a session writes that it is used
    with CaptureQueriesContext(connection) as one:
        browser.get(INBOX)
    told(25)
    with CaptureQueriesContext(connection) as many:
        browser.get(INBOX)

    assert len(one) == len(many)
    assert sum("COUNT(*)" in query["sql"] and "notifications" in query["sql"] for query in many) == 1
    assert "99+" not in text(browser.get(INBOX))
    told(120)
    assert "99+" in text(browser.get(INBOX))


def test_another_persons_news_are_not_there(signed_in, ann, ben, told):
    told(1)
    row = Notification.objects.filter(user=ann, read_at=None).get()
    browser = signed_in(ben)

    assert browser.post(f"{INBOX}/{row.pk}/read").status_code == 404
    assert "A bonus of" not in text(browser.get(INBOX))
    row.refresh_from_db()
    assert row.read_at is None


def test_choices_are_kept_and_security_is_none(signed_in, ann):
    browser = signed_in(ann)
    browser.post(
        f"{INBOX}/preferences",
        {"email-bonus": "off", "inbox-payout": "on", "email-payout": "daily", "email-security": "off"},
    )

    wanted = services.preferences_of(ann)
    assert wanted["bonus"] == {"inbox": False, "email": "off"}
    assert wanted["payout"] == {"inbox": True, "email": "daily"}
    assert wanted["security"] == {"inbox": True, "email": "each"}
    assert wanted["joined"] == {"inbox": True, "email": "daily"}


def test_markup_in_a_name_is_text(signed_in, ann, told):
    tell([News(ann.pk, "joined", "x", {"name": "<img src=x onerror=alert(1)>"})])

    page = text(signed_in(ann).get(INBOX))

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_what_is_told_at_once_is_read_in_the_order_in_which_it_happened(ann):
    states = ["requested", "approved", "processing", "completed"]

    tell([
        News(ann.pk, "payout", f"p-1:{what}", {"what": what, "amount": 2_500, "currency": "INR"}) for what in states
    ])  # fmt: skip

    read = [row.params["what"] for row in selectors.inbox_of(ann) if row.kind == "payout"]
    assert read == states[::-1]
    mailed = Mail.objects.filter(user=ann, kind="payout").order_by("next_at", "id")
    assert [mail.params["what"] for mail in mailed] == states
