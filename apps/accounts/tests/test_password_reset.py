"""A new password by mail (api.md): the link works once, for an hour, and ends every sign-in."""

import secrets

import pytest
from django.core import mail
from django.test import override_settings

from apps.accounts.tokens import reset_link_parts
from apps.core.models import OutboxEvent
from apps.notifications.services import due_mails, send_mail

URL = "/api/v1/auth/password"
PASSWORD, NEW = "correct horse battery", "another good phrase"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", password=PASSWORD)


def asked():
    """Whose mail is on its way, as (site, user)."""
    events = OutboxEvent.objects.filter(topic="password_reset.requested").order_by("id")
    return [(event.site_id, event.payload["user_id"]) for event in events]


def confirm(api, user, **changes):
    uid, token = reset_link_parts(user)
    return api().post(f"{URL}/reset/confirm", {"uid": uid, "token": token, "new_password": NEW, **changes})


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_the_answer_is_the_same_for_everybody(api, ann, email):
    answer = api().post(f"{URL}/reset", {"email": email})

    assert (answer.status_code, answer.content) == (204, b"")


def test_only_a_member_gets_mail(api, ann, site):
    for email in ("ANN@example.com", "nobody@example.com"):
        api().post(f"{URL}/reset", {"email": email})

    assert asked() == [(site.pk, str(ann.pk))]


def test_the_mail_carries_a_link_that_works_once(api, ann, site, deliver):
    api().post(f"{URL}/reset", {"email": "ann@example.com"})
    deliver()
    (pk,) = due_mails()
    send_mail(site_id=site.pk, mail_id=pk)

    message = mail.outbox[0]
    assert (message.to, "http://alpha.localhost:8000/" in message.body) == (["ann@example.com"], True)
    token = message.body.partition("/password/reset/")[2].split("/")[1]
    body = {"token": token, "uid": reset_link_parts(ann)[0], "new_password": NEW}
    assert api().post(f"{URL}/reset/confirm", body).status_code == 204
    again = api().post(f"{URL}/reset/confirm", body)
    assert (again.status_code, again.json()["code"]) == (400, "reset_token_invalid")


def test_a_reset_ends_every_sign_in(api, ann):
    client = api(ann)

    assert confirm(api, ann).status_code == 204

    assert client.get("/api/v1/auth/me").status_code == 401
    assert api().post("/api/v1/auth/token", {"email": ann.email, "password": NEW}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"token": "x"}, "reset_token_invalid"), ({"uid": "????"}, "reset_token_invalid"), ({"uid": "MQ"}, "reset_token_invalid"),
     ({"new_password": "short"}, "password_too_weak")],
)  # fmt: skip
def test_a_refused_reset_changes_nothing(api, ann, changes, code):
    answer = confirm(api, ann, **changes)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert api().post("/api/v1/auth/token", {"email": ann.email, "password": PASSWORD}).status_code == 200


@override_settings(UPLINE_THROTTLE=True)
def test_nobodys_inbox_is_flooded(api, make_user):
    email = f"{secrets.token_hex(6)}@example.com"  # counters outlive a run
    make_user(email)
    client = api()
    client.defaults["REMOTE_ADDR"] = f"2001:db8::{secrets.token_hex(2)}"

    answers = [client.post(f"{URL}/reset", {"email": email}).status_code for _ in range(7)]

    assert (answers, len(asked())) == ([204] * 7, 5)
