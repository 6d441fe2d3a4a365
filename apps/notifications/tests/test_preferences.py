"""What each person wants to hear, the day's mail, and the way out of it."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.notifications import selectors, services
from apps.notifications.models import Mail, Notification, Preference
from apps.notifications.services import News, tell
from apps.sites import registry
from apps.sites.models import Site
from apps.sites.selectors import midnight, site_day

from .conftest import states

URL = "/api/v1/notifications"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", full_name="Ann")


def happen(user, kind="bonus", key="1", **params):
    tell([News(user.pk, kind, key, {"amount": 2_500, "currency": "INR", "count": 1, "name": "Ben", **params})])


def test_the_usual_ways(api, ann):
    assert api(ann).get(f"{URL}/preferences").json() == {
        "joined": {"inbox": True, "email": "daily"}, "commission": {"inbox": True, "email": "daily"},
        "approved": {"inbox": True, "email": "daily"}, "reversed": {"inbox": True, "email": "daily"},
        "payout": {"inbox": True, "email": "each"}, "bonus": {"inbox": True, "email": "each"},
        "security": {"inbox": True, "email": "each"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "in_inbox", "mails", "digest"),
    [
        ({"inbox": True, "email": "each"}, 1, 1, 0), ({"inbox": True, "email": "off"}, 1, 0, 0),
        ({"inbox": False, "email": "each"}, 0, 1, 0), ({"inbox": False, "email": "daily"}, 0, 0, 1),
        ({"inbox": False, "email": "off"}, 0, 0, 0), ({"inbox": True, "email": "daily"}, 1, 0, 1),
    ],
)  # fmt: skip
def test_what_somebody_wants_is_what_they_get(api, ann, wanted, in_inbox, mails, digest):
    answer = api(ann).patch(f"{URL}/preferences", {"bonus": wanted})
    assert answer.status_code == 200, answer.content
    happen(ann)

    assert selectors.inbox_of(ann).count() == in_inbox
    assert Mail.objects.count() == mails
    assert Notification.objects.filter(in_digest=True).count() == digest


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"security": {"email": "off"}}, "security_always"), ({"security": {"inbox": False}}, "security_always"),
        ({"bonus": {"email": "hourly"}}, "invalid"),
        ({"bonus": {"inbox": "perhaps"}}, "invalid"), ({"bonus": "off"}, "invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_wanted_is_refused_and_nothing_changes(api, ann, body, code):
    answer = api(ann).patch(f"{URL}/preferences", body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (Preference.objects.count(), AuditEvent.objects.filter(action="notifications.set").count()) == (0, 0)


def test_reading_one_and_all(api, ann, make_user):
    other = make_user()
    for number in range(3):
        happen(ann, key=str(number))
    happen(other)
    client = api(ann)
    rows = client.get(URL).json()["results"]
    assert [row["is_read"] for row in rows] == [False] * 3

    assert client.post(f"{URL}/{rows[0]['id']}/read").json()["is_read"] is True
    assert len(client.get(f"{URL}?unread=true").json()["results"]) == 2
    assert len(client.get(f"{URL}?unread=false").json()["results"]) == 1
    assert client.post(f"{URL}/read-all").json() == {"read": 2}
    assert client.post(f"{URL}/read-all").json() == {"read": 0}
    assert selectors.unread_count(other) == 1
    theirs = Notification.objects.get(user=other)
    assert client.post(f"{URL}/{theirs.pk}/read").status_code == 404
    theirs.refresh_from_db()
    assert theirs.read_at is None


def grown_old(as_day):
    """The digest is of days that are over."""
    return patch("apps.notifications.services.digests.site_day", lambda: as_day)


def test_the_day_that_is_over_is_one_mail(ann, make_user, send, mailoutbox):
    happen(ann, "joined")
    happen(ann, "commission")
    assert services.make_digests() == 0  # today is not over
    with grown_old(site_day() + timedelta(days=1)):
        assert services.make_digests() == 1
        assert services.make_digests() == 0

    assert send() == ["sent"]
    (mail,) = mailoutbox
    assert mail.subject == "Your day at Alpha: 2 news"
    assert mail.body.index("Ben joined your team") < mail.body.index("You earned ₹25.00")
    assert mail.extra_headers["List-Unsubscribe"]
    assert states() == [("digest", "sent")]


def test_what_comes_late_is_in_the_next_digest(ann, send, mailoutbox):
    """Of a day whose mail has gone."""
    happen(ann, "joined")
    with grown_old(site_day() + timedelta(days=1)):
        services.make_digests()
        send()
        happen(ann, "commission")
        assert services.make_digests() == 0
    with grown_old(site_day() + timedelta(days=2)):
        assert services.make_digests() == 1

    assert send() == ["sent"]
    assert [mail.subject for mail in mailoutbox] == ["Your day at Alpha: 1 news"] * 2
    assert "You earned" in mailoutbox[1].body


def test_a_digest_of_nothing_is_not_sent(ann, send, mailoutbox):
    Mail.objects.create(user=ann, kind="digest", key="2026-01-01")

    assert (send(), mailoutbox) == (["dropped"], [])


def test_the_digests_day_is_the_sites(ann, site):
    Site.objects.filter(pk=site.pk).update(time_zone="Pacific/Kiritimati")  # UTC+14
    registry.forget()
    happen(ann, "joined")
    row = Notification.objects.get()
    assert (row.created_at >= midnight(site_day())) is True
    assert services.make_digests() == 0


def way_out(mail):
    return mail.extra_headers["List-Unsubscribe"].strip("<>").partition(":8000")[2]


def test_one_click_stops_the_mail_and_only_a_post_does(ann, send, mailoutbox, site):
    happen(ann)
    send()
    browser, url = Client(headers={"host": "alpha.localhost"}), way_out(mailoutbox[0])

    assert "Stop this mail?" in browser.get(url).content.decode()
    assert Preference.objects.count() == 0
    answer = browser.post(url, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert services.preferences_of(ann)["bonus"] == {"inbox": True, "email": "off"}
    happen(ann, key="2")
    assert (send(), selectors.inbox_of(ann).count()) == ([], 2)


@pytest.mark.parametrize("spoil", [lambda token: token[:-2], lambda token: "x" + token, lambda token: "nothing"])
def test_a_token_that_was_changed_stops_nothing(ann, send, mailoutbox, spoil):
    happen(ann)
    send()
    head, _, token = way_out(mailoutbox[0]).rstrip("/").rpartition("/")

    answer = Client(headers={"host": "alpha.localhost"}).post(f"{head}/{spoil(token)}")

    assert answer.status_code == 404
    assert Preference.objects.count() == 0


def test_a_token_of_another_site_stops_nothing(ann, send, mailoutbox):
    happen(ann)
    send()

    assert Client(headers={"host": "beta.localhost"}).post(way_out(mailoutbox[0])).status_code == 404
    assert Preference.objects.count() == 0


def test_the_way_out_of_a_digest_ends_all_daily_mail(ann, send, mailoutbox):
    happen(ann, "joined")
    with grown_old(site_day() + timedelta(days=1)):
        services.make_digests()
    send()
    Client(headers={"host": "alpha.localhost"}).post(way_out(mailoutbox[0]))

    wanted = services.preferences_of(ann)
    assert {kind for kind, how in wanted.items() if how["email"] == "off"} == {
        "joined", "commission", "approved", "reversed",
    }  # fmt: skip
