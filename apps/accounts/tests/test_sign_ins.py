"""What is signed in as somebody, and how it ends: apps by their tokens, browsers by their session (W5, R20)."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.middleware import SESSION_SIGN_INS
from apps.accounts.models import RefreshToken, SignIn
from apps.accounts.services import end_sign_in, sign_out_user
from apps.accounts.tasks import forget_sign_ins
from apps.accounts.tests.browsers import browser_of
from apps.accounts.tokens import AccessToken
from apps.audit.models import AuditEvent
from apps.core.errors import NotFound
from apps.core.tenancy import site_context

URL = "/api/v1/auth"
PASSWORD = "correct horse battery"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", password=PASSWORD, full_name="Ann")


def sign_in(client, agent="Ann's app/2.1"):
    return client.post(
        f"{URL}/token", {"email": "ann@example.com", "password": PASSWORD}, headers={"User-Agent": agent}
    ).json()


def bearing(api, access, at=None):
    client = api(at=at)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def test_apps_and_browsers_are_listed_and_the_asking_one_is_marked(api, ann, site):
    pair = sign_in(api())
    browser_of(ann, site)
    client = bearing(api, pair["access"])

    rows = client.get(f"{URL}/sessions").json()["results"]

    assert [(row["kind"], row["current"]) for row in rows] == [("browser", False), ("api", True)]
    assert (rows[1]["user_agent"], rows[1]["ip"]) == ("Ann's app/2.1", "127.0.0.1")
    assert set(rows[0]) == {"id", "kind", "created_at", "last_used_at", "ip", "user_agent", "current"}


def test_a_rotation_goes_on_with_the_same_sign_in(api, ann):
    pair = sign_in(api())
    SignIn.objects.update(
        last_used_at=timezone.now() - timedelta(hours=1), authenticated_at=timezone.now() - timedelta(hours=2)
    )

    again = api().post(f"{URL}/token/refresh", {"refresh": pair["refresh"]}).json()

    before, after = AccessToken(pair["access"]), AccessToken(again["access"])
    assert after["sid"] == before["sid"] == str(SignIn.objects.get().pk)
    assert time.time() - after["auth_time"] == pytest.approx(7200, abs=5)  # a renewal proves nothing
    assert SignIn.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


def test_an_ended_sign_in_is_out_at_its_next_request_with_its_refresh_token(api, ann):
    mine, other = sign_in(api()), sign_in(api())
    client = bearing(api, mine["access"])
    ended = AccessToken(other["access"])["sid"]

    assert client.delete(f"{URL}/sessions/{ended}").status_code == 204

    assert bearing(api, other["access"]).get(f"{URL}/me").status_code == 401
    assert api().post(f"{URL}/token/refresh", {"refresh": other["refresh"]}).status_code == 401
    assert client.get(f"{URL}/me").status_code == 200
    assert [row["id"] for row in client.get(f"{URL}/sessions").json()["results"]] == [
        AccessToken(mine["access"])["sid"]
    ]
    assert client.delete(f"{URL}/sessions/{ended}").status_code == 404
    assert AuditEvent.objects.filter(action="sessions.ended", target_id=ended).count() == 1


def test_a_browser_is_ended_from_an_app(api, ann, site):
    browser = browser_of(ann, site)
    assert browser.get("/dashboard/settings").status_code == 200
    ended = browser.session[SESSION_SIGN_INS]["ALPHA"]

    assert api(ann).delete(f"{URL}/sessions/{ended}").status_code == 204

    assert browser.get("/dashboard/settings").status_code == 302
    assert browser.get(f"{URL}/me").status_code == 401


def test_a_session_may_ask_the_api_and_is_the_current_one(ann, site):
    browser = browser_of(ann, site)

    rows = browser.get(f"{URL}/sessions").json()["results"]

    assert [row["current"] for row in rows] == [True]


def test_what_is_somebody_elses_is_not_there(api, ann, make_user):
    sign_in(api())
    theirs = SignIn.objects.get()
    ben = make_user("ben@example.com")

    assert api(ben).delete(f"{URL}/sessions/{theirs.pk}").status_code == 404

    theirs.refresh_from_db()
    assert theirs.revoked_at is None
    with pytest.raises(NotFound):
        end_sign_in(user=ben, sign_in_id=theirs.pk)


def test_everything_ends_at_once(api, ann, site):
    pair = sign_in(api())
    browser, client = browser_of(ann, site), api(ann)

    assert client.post(f"{URL}/sessions/revoke-all").status_code == 204

    assert client.get(f"{URL}/me").status_code == 401
    assert bearing(api, pair["access"]).get(f"{URL}/me").status_code == 401
    assert browser.get("/dashboard/settings").status_code == 302
    assert SignIn.objects.filter(revoked_at=None).count() == 0
    assert [row["current"] for row in api(ann.__class__.objects.get()).get(f"{URL}/sessions").json()["results"]] == [
        True
    ]


def test_signing_out_ends_the_access_token_too(api, ann):
    pair = sign_in(api())

    api().post(f"{URL}/logout", {"refresh": pair["refresh"]})

    assert bearing(api, pair["access"]).get(f"{URL}/me").status_code == 401


def test_sign_ins_of_an_older_version_and_over_ones_are_left_off(api, ann):
    client = api(ann)
    old, over = (
        SignIn.objects.create(user=ann, kind="api", version=version, expires_at=timezone.now() + timedelta(hours=hours))
        for version, hours in ((7, 1), (0, -1))
    )

    shown = {row["id"] for row in client.get(f"{URL}/sessions").json()["results"]}

    assert not shown & {str(old.pk), str(over.pk)}
    assert len(shown) == 1


def test_staff_sign_somebody_out_at_their_site_only(api, ann, make_user, other_site, site):
    here = sign_in(api())
    with site_context(other_site.pk):
        elsewhere = SignIn.objects.create(
            user=ann, kind="api", version=0, expires_at=timezone.now() + timedelta(hours=1)
        )
    owner = make_user("owner@example.com", roles=["super_admin"])

    assert sign_out_user(user=ann, actor=owner, reason="Lost a laptop") == 1

    assert bearing(api, here["access"]).get(f"{URL}/me").status_code == 401
    assert RefreshToken.objects.filter(revoked_at=None).count() == 0
    with site_context(other_site.pk):
        elsewhere.refresh_from_db()
        assert elsewhere.revoked_at is None
    assert AuditEvent.objects.get(action="sessions.ended").reason == "Lost a laptop"
    assert sign_in(api())["access"]


def test_a_browser_that_comes_back_is_noted_every_few_minutes(ann, site, django_assert_max_num_queries):
    browser = browser_of(ann, site)
    browser.get("/dashboard/settings")
    old = timezone.now() - timedelta(minutes=6)
    SignIn.objects.update(last_used_at=old)

    browser.get("/dashboard/settings")

    noted = SignIn.objects.get().last_used_at
    assert noted > old
    browser.get("/dashboard/settings")
    assert SignIn.objects.get().last_used_at == noted


def test_what_ran_out_a_month_ago_is_forgotten(api, ann, other_site):
    sign_in(api())
    kept = SignIn.objects.get()
    over = timezone.now() - timedelta(days=31)
    SignIn.objects.create(user=ann, kind="browser", version=0, expires_at=over)
    RefreshToken.objects.create(user=ann, family=kept.pk, jti_hash="x", expires_at=over)
    with site_context(other_site.pk):
        SignIn.objects.create(user=ann, kind="api", version=0, expires_at=over)

    assert forget_sign_ins() == 3

    assert (SignIn.objects.get(), RefreshToken.objects.count()) == (kept, 1)


def test_a_session_from_before_there_were_sign_ins_goes_on(ann, site):
    browser = browser_of(ann, site)
    session = browser.session
    del session[SESSION_SIGN_INS]
    session.save()

    assert browser.get("/dashboard/settings").status_code == 200


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("UplineApp/2.1 (build 7)", "UplineApp"),
        ("", "Unknown app"),
    ],
)
def test_devices_have_names_people_know(agent, name):
    assert SignIn(kind="api", user_agent=agent).device == name


def test_who_else_came_from_an_address_is_an_index_range_under_row_level_security(site, make_user):
    people = [make_user() for _ in range(20)]
    SignIn.objects.bulk_create(
        SignIn(user=people[n % 20], kind="api", version=1, expires_at=timezone.now(), ip=f"198.51.{n // 250}.{n % 250}")
        for n in range(5_000)
    )
    with connection.cursor() as cursor:
        there = SignIn.objects.filter(ip__in=["198.51.3.7", "198.51.4.9"]).values("user_id")
        sql, params = there.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "accounts_sign_in_ip" in plan, plan
    assert "Seq Scan" not in plan
    assert there.count() == 2
