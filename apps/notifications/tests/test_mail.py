"""Mail: sent at most once, in the reader's language, and what happens when the server doesn't take it."""

import re
import smtplib
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from apps.accounts.services import request_password_reset
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict
from apps.notifications import services
from apps.notifications.models import Mail, Notification
from apps.notifications.services import News, tell
from apps.notifications.tasks import send_due
from apps.notifications.words import TEXTS

from .conftest import states

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", full_name="Ann", password=PASSWORD)


def bonus(user, key="b-1", **params):
    tell([News(user.pk, "bonus", key, {"amount": 2_500, "currency": "INR", **params})])


@pytest.fixture
def server(monkeypatch):
    """server(at="open"|"send", error) → the mail server answers so from now on; server() → well again."""
    real_open, real_send = EmailBackend.__dict__.get("open"), EmailBackend.send_messages

    def run(error=None, *, at="send"):
        def fail(self, *args):
            raise error

        monkeypatch.setattr(EmailBackend, "open", fail if error and at == "open" else real_open or (lambda self: None))
        monkeypatch.setattr(EmailBackend, "send_messages", fail if error and at == "send" else real_send)

    return run


def test_a_mail_is_text_and_html_with_a_way_out(ann, send, mailoutbox):
    bonus(ann)

    assert send() == ["sent"]

    (mail,) = mailoutbox
    assert (mail.subject, mail.to) == ("A bonus of ₹25.00", ["ann@example.com"])
    assert "Hello Ann" in mail.body
    html, kind = mail.alternatives[0]
    assert kind == "text/html"
    assert "A bonus of ₹25.00" in html
    way_out = mail.extra_headers["List-Unsubscribe"].strip("<>")
    assert way_out.startswith("http://alpha.localhost:8000/unsubscribe/")
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert way_out in mail.body
    row = Mail.objects.get()
    assert (row.status, row.address, row.subject) == ("sent", "ann@example.com", "A bonus of ₹25.00")
    assert send() == []


def test_a_server_that_is_down_makes_mail_wait_and_nothing_else_fail(ann, send, server, mailoutbox):
    server(ConnectionRefusedError("no"), at="open")
    bonus(ann)

    assert send() == ["queued"]
    assert Notification.objects.filter(user=ann).count() == 1
    row = Mail.objects.get()
    assert (row.status, row.tries, row.last_error) == ("queued", 1, "ConnectionRefusedError: no")
    assert row.next_at > timezone.now()
    assert send() == []

    server()
    Mail.objects.update(next_at=timezone.now())
    assert send() == ["sent"]
    assert len(mailoutbox) == 1


def test_a_server_that_is_down_for_too_long_leaves_it_failed(ann, send, server):
    server(ConnectionRefusedError("no"), at="open")
    bonus(ann)
    for _ in range(Mail.MAX_TRIES):
        Mail.objects.update(next_at=timezone.now())
        last = send()

    assert last == ["failed"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (smtplib.SMTPRecipientsRefused({"ann@example.com": (550, b"no such")}), "failed"),
        (smtplib.SMTPDataError(554, b"spam"), "failed"),
        (smtplib.SMTPDataError(451, b"later"), "queued"),
        (smtplib.SMTPServerDisconnected("gone"), "unknown"),
        (TimeoutError("slow"), "unknown"),
    ],
)
def test_what_the_server_may_have_taken_is_not_sent_again(ann, send, server, error, status):
    server(error)
    bonus(ann)

    assert send() == [status]
    server()
    assert send() == []


def test_what_a_worker_left_behind_is_unknown_and_goes_again_only_by_staff(ann, make_user, send, mailoutbox):
    bonus(ann)
    Mail.objects.update(status="sending", claimed_until=timezone.now() - timedelta(seconds=1))

    assert services.settle_lost() == 1
    assert (states(), send(), mailoutbox) == ([("bonus", "unknown")], [], [])

    services.send_again(mail=Mail.objects.get(), actor=make_user())
    assert send() == ["sent"]
    assert AuditEvent.objects.filter(action="mail.requeued").count() == 1
    with pytest.raises(Conflict):
        services.send_again(mail=Mail.objects.get(), actor=make_user())
    assert states() == [("bonus", "sent")]


def test_a_worker_settles_what_another_left_behind_before_it_sends(ann, site, mailoutbox):
    bonus(ann)
    Mail.objects.update(status="sending", claimed_until=timezone.now() - timedelta(seconds=1))
    bonus(ann, "b-2")

    assert send_due(str(site.pk)) == 1
    assert (states(), len(mailoutbox)) == ([("bonus", "unknown"), ("bonus", "sent")], 1)


def test_a_name_with_markup_is_text(make_user, send, mailoutbox):
    eve = make_user("eve@example.com", full_name="<script>alert(1)</script>")
    tell([News(eve.pk, "payout", "1", {"what": "rejected", "amount": 1, "currency": "INR", "reason": "<b>no</b>"})])
    send()

    html = mailoutbox[0].alternatives[0][0]
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "&lt;b&gt;no&lt;/b&gt;" in html


def test_a_name_cannot_begin_another_header(ann, send, mailoutbox):
    services.set_preferences(user=ann, changes={"joined": {"email": "each"}})
    tell([News(ann.pk, "joined", "1", {"name": "Eve\r\nBcc: victim@example.com\r\n\r\nHello"})])

    assert send() == ["sent"]
    sent = message_from_bytes(mailoutbox[0].message().as_bytes(), policy=policy.default)
    assert sent["Bcc"] is None
    assert sent["Subject"] == "Eve Bcc: victim@example.com Hello joined your team"
    assert mailoutbox[0].recipients() == ["ann@example.com"]


def test_format_signs_in_a_name_stay_what_they_are(ann, send, mailoutbox):
    services.set_preferences(user=ann, changes={"joined": {"email": "each"}})
    tell([News(ann.pk, "joined", "1", {"name": "{amount.__class__} {0}"})])

    assert send() == ["sent"]
    assert mailoutbox[0].subject == "{amount.__class__} {0} joined your team"


def test_a_reader_of_hindi_gets_hindi(make_user, send, mailoutbox, api):
    asha = make_user("asha@example.com", full_name="Asha")
    asha.locale = "hi-IN"
    asha.save(update_fields=["locale"])
    bonus(asha)
    send()

    assert mailoutbox[0].subject == "₹25.00 का बोनस"
    assert 'lang="hi"' in mailoutbox[0].alternatives[0][0]
    assert "नमस्ते Asha" in mailoutbox[0].body
    assert api(asha).get("/api/v1/notifications").json()["results"][0]["title"] == "₹25.00 का बोनस"


def test_every_language_has_every_sentence_with_the_same_facts():
    english = TEXTS["en"]
    for texts in TEXTS.values():
        assert texts.SAID.keys() == english.SAID.keys()
        assert texts.FRAME.keys() == english.FRAME.keys()
        for key, (title, text) in texts.SAID.items():
            facts = [set(re.findall(r"{(\w+)}", part)) for part in (title, text)]
            assert facts == [set(re.findall(r"{(\w+)}", part)) for part in english.SAID[key]], key


def test_a_password_reset_goes_by_the_same_door_and_its_link_is_made_when_it_is_sent(
    ann, deliver, send, mailoutbox, client
):
    request_password_reset(email="ann@example.com")
    deliver()
    row = Mail.objects.get()
    assert (row.kind, row.params, Notification.objects.count()) == ("password_reset", {}, 0)

    assert send() == ["sent"]
    (mail,) = mailoutbox
    assert mail.subject == "Your new password at Alpha"
    link = next(word for word in mail.body.split() if "/dashboard/password/reset/" in word)
    assert link in mail.alternatives[0][0]
    assert "List-Unsubscribe" not in mail.extra_headers
    assert client.get(link.partition(":8000")[2], headers={"host": "alpha.localhost"}).status_code in (200, 302)


def test_somebody_who_is_gone_gets_no_more_mail(ann, send, mailoutbox):
    bonus(ann)
    type(ann).objects.filter(pk=ann.pk).update(is_active=False)

    assert send() == ["dropped"]
    assert mailoutbox == []
