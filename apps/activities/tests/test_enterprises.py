"""W1: an enterprise makes, limits and suspends its sub-users, pays for them, and sees nobody else's."""

import json
import uuid
from datetime import UTC, datetime

import pytest
import time_machine

from apps.accounts.models import Membership, User
from apps.accounts.services import set_member_active
from apps.accounts.tokens import issue_pair
from apps.activities.models import Activity
from apps.activities.tests.factories import PASSWORD, give_funds, make_enterprise, make_form, make_sub_user, offer
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.referrals.models import Partner
from apps.wallet.selectors import wallet_summary

SUBS, RUN, REPORT = "/api/v1/enterprise/sub-users", "/api/v1/activities", {"type": "report_generation"}


@pytest.fixture
def firm(site):
    offer()
    return make_enterprise(funds=10_000)


def funds(member):
    return wallet_summary(member.user_id).funds


def test_documents_flow(api, make_user, site):
    """Registers, adds funds, makes two sub-users with limits; they work, one hits the limit; the figures are there."""
    offer()
    make_form()
    body = {"email": "firm@example.com", "password": PASSWORD, "full_name": "Firm", "user_type": "enterprise"}
    assert api().post("/api/v1/auth/register", body).json()["user"]["user_type"] == "enterprise"
    firm = User.objects.get(email="firm@example.com")
    give_funds(firm, 10_000)
    boss = api(firm)
    ids = {}
    for name, limit in (("one", 1500), ("two", None)):
        sent = {
            "email": f"{name}@example.com",
            "password": PASSWORD,
            "full_name": name.title(),
            "spending_limit": limit,
        }
        made = boss.post(SUBS, sent)
        assert made.status_code == 201
        ids[name] = made.json()["id"]
        assert (made.json()["spending_limit"], made.json()["spent_this_month"], made.json()["is_active"]) == (
            limit,
            0,
            True,
        )
    one, two = (
        api().post("/api/v1/auth/token", {"email": f"{name}@example.com", "password": PASSWORD}).json()["access"]
        for name in ("one", "two")
    )
    one, two = client(site, one), client(site, two)
    me = one.get("/api/v1/auth/me").json()
    assert (me["user_type"], me["partner"], me["permissions"]) == ("sub_user", None, [])

    assert one.post(RUN, REPORT).status_code == 201
    assert one.post(RUN, {"type": "form_download"}).status_code == 201
    refused = one.post(RUN, {"type": "form_download"})
    assert (refused.status_code, refused.json()["code"]) == (409, "spending_limit_exceeded")
    for _ in range(3):
        assert two.post(RUN, REPORT).status_code == 201

    assert wallet_summary(firm.pk).funds == 10_000 - 1500 - 3000
    assert not Partner.objects.filter(user__email__in=["one@example.com", "two@example.com"]).exists()
    board = boss.get("/api/v1/enterprise/dashboard").json()
    assert (board["funds"], board["sub_users"]) == ({"balance": 5500}, {"total": 2, "active": 2})
    assert board["spent"] == {"today": 4500, "this_month": 4500, "this_year": 4500, "total": 4500}
    assert [(row["full_name"], row["spent_this_month"]) for row in board["spending"]] == [("Two", 3000), ("One", 1500)]
    for period in ("day", "month", "year"):
        told = boss.get(f"{RUN}/stats?period={period}").json()
        assert told["total"] == {"count": 5, "amount": 4500}
        assert [(row["name"], row["amount"]) for row in told["by_user"]] == [("Two", 3000), ("One", 1500)]
    statement = boss.get("/api/v1/enterprise/statement").json()["results"]
    assert [(row["by"], row["amount"]) for row in statement[:2]] == [("Two", -1000), ("Two", -1000)]
    assert (statement[-1]["kind"], statement[-1]["amount"], statement[0]["balance_after"]) == ("deposit", 10_000, 5500)
    for kind, beginning in (("csv", b'"id"'), ("pdf", b"%PDF-"), ("xlsx", b"PK")):
        file = boss.get(f"/api/v1/enterprise/statement?format={kind}")
        assert b"".join(file.streaming_content).startswith(beginning)
    staff = api(make_user("owner@example.com", roles=["super_admin"]))
    row = staff.get("/api/v1/admin/analytics/enterprises").json()["results"][0]
    assert (row["sub_users"], row["activities"], row["activity_amount"]) == (2, 5, 4500)
    acts = staff.get("/api/v1/admin/analytics/activities").json()["activities"]
    assert (acts["total"], acts["by_type"]["report_generation"]) == (
        {"count": 5, "amount": 4500},
        {"count": 4, "amount": 4000},
    )


def client(site, access):
    from rest_framework.test import APIClient

    found = APIClient(headers={"X-Site-Code": site.code})
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return found


def test_suspending_counts_at_the_next_request(api, firm, site):
    sub = make_sub_user(firm)
    boss, mine = api(firm.user), api(sub.user)
    assert mine.get(RUN).status_code == 200

    changed = boss.patch(f"{SUBS}/{sub.user_id}", {"is_active": False})

    assert (changed.status_code, changed.json()["is_active"]) == (200, False)
    assert mine.get(RUN).status_code == 401
    assert api().post("/api/v1/auth/token", {"email": "sub@example.com", "password": PASSWORD}).status_code == 401
    boss.patch(f"{SUBS}/{sub.user_id}", {"is_active": True})
    assert mine.get(RUN).status_code == 200


def test_of_a_suspended_enterprise_every_sub_user_is_out(api, firm, site):
    sub, other = make_sub_user(firm), make_sub_user(make_enterprise("other@example.com"), "theirs@example.com")
    mine, theirs = api(sub.user), api(other.user)

    set_member_active(user=firm.user, is_active=False, actor=SYSTEM)

    assert mine.post(RUN, REPORT).status_code == 401
    assert api().post("/api/v1/auth/token", {"email": "sub@example.com", "password": PASSWORD}).status_code == 401
    assert theirs.get(RUN).status_code == 200
    set_member_active(user=firm.user, is_active=True, actor=SYSTEM)
    assert mine.get(RUN).status_code == 200


def test_a_limit_is_of_a_month_of_the_sites_calendar(api, firm, site):
    sub = make_sub_user(firm, spending_limit=1000)

    def mine():
        return client(site, issue_pair(user=sub.user, site=site)["access"])

    with time_machine.travel(datetime(2026, 1, 31, 23, 59, tzinfo=UTC), tick=False):
        assert mine().post(RUN, REPORT).status_code == 201
        assert mine().post(RUN, REPORT).json()["code"] == "spending_limit_exceeded"

    with time_machine.travel(datetime(2026, 2, 1, 0, 1, tzinfo=UTC), tick=False):
        assert mine().post(RUN, REPORT).status_code == 201
    assert funds(firm) == 8000


@pytest.mark.parametrize(
    ("allowed", "report", "form"),
    [(["report_generation"], 201, 403), (["form_download"], 403, 201), ([], 403, 403), (["statistics"], 403, 403)],
)
def test_what_a_sub_user_may_do(api, firm, allowed, report, form):
    make_form()
    sub = make_sub_user(firm, allowed=allowed)

    answers = [api(sub.user).post(RUN, {"type": kind}) for kind in ("report_generation", "form_download")]

    assert [answer.status_code for answer in answers] == [report, form]
    assert funds(firm) == 10_000 - 1000 * (report == 201) - 500 * (form == 201)


def test_a_sub_user_sees_the_others_only_where_they_may(api, firm):
    one, two = make_sub_user(firm), make_sub_user(firm, "two@example.com", allowed=["statistics"])
    made = api(one.user).post(RUN, REPORT).json()
    api(firm.user).post(RUN, REPORT)

    assert len(api(one.user).get(RUN).json()["results"]) == 1
    assert len(api(two.user).get(RUN).json()["results"]) == 2
    assert api(two.user).get(f"{RUN}/stats").json()["total"]["count"] == 2
    assert api(firm.user).get(made["file_url"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "x"}, "email"), ({"password": "short"}, "password"), ({"spending_limit": -1}, "spending_limit"),
        ({"spending_limit": 0.5}, "spending_limit"), ({"spending_limit": 10**16}, "spending_limit"),
        ({"allowed": ["everything"]}, "allowed"), ({"email": "known@example.com"}, "email"),
    ],
)  # fmt: skip
def test_what_is_no_sub_user_is_refused(api, firm, make_user, body, field):
    make_user("known@example.com")
    people = User.objects.count()

    answer = api(firm.user).post(SUBS, {"email": "sub@example.com", "password": PASSWORD, **body})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert (User.objects.count(), Membership.objects.filter(user_type="sub_user").count()) == (people, 0)


@pytest.mark.parametrize("change", [{"email": "mine@example.com"}, {"password": "another good phrase"}])
def test_an_email_and_a_password_stay_the_persons_own(api, firm, change):
    sub = make_sub_user(firm)

    answer = api(firm.user).patch(f"{SUBS}/{sub.user_id}", {**change, "spending_limit": 5})

    assert (answer.status_code, answer.json()["code"]) == (400, "not_changeable")
    sub.refresh_from_db()
    assert (sub.spending_limit, sub.user.check_password(PASSWORD)) == (None, True)


def test_a_name_is_changed_of_a_login_that_it_made(api, firm, site, other_site):
    sub = make_sub_user(firm)
    with site_context(other_site.pk):
        theirs = User.objects.create_user(email="theirs@example.com", password=PASSWORD, full_name="Own Name")
        Membership.objects.create(user=theirs)
    brought = make_sub_user(firm, "theirs@example.com")

    assert api(firm.user).patch(f"{SUBS}/{sub.user_id}", {"full_name": "New"}).json()["full_name"] == "New"
    assert api(firm.user).patch(f"{SUBS}/{brought.user_id}", {"full_name": "New"}).json()["code"] == "not_changeable"
    theirs.refresh_from_db()
    assert theirs.full_name == "Own Name"
    assert [event.action for event in AuditEvent.objects.order_by("id") if event.action.startswith("sub_user")] == [
        "sub_user.created", "sub_user.created", "sub_user.changed",
    ]  # fmt: skip


def plain(answer):
    body = json.loads(answer.content) if answer.content else {}
    body.pop("request_id", None)
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in ("X-Request-ID", "Date")}


def test_enterprises_are_kept_apart_as_tenants_are(api, firm, site):
    """Every route that takes an id, with every id of another enterprise: byte for byte as with none."""
    other = make_enterprise("other@example.com", funds=5000)
    theirs = make_sub_user(other, "theirs@example.com")
    act = api(theirs.user).post(RUN, REPORT).json()["id"]
    make_sub_user(firm)
    ids = [theirs.user_id, other.user_id, theirs.pk, other.pk, act, firm.user_id, firm.pk]
    wrong = []
    for who in (firm.user, make_sub_user(firm, "two@example.com", allowed=["statistics"]).user):
        mine = api(who)
        routes = (
            ("get", SUBS + "/{}", None), ("patch", SUBS + "/{}", {"is_active": False}), ("get", RUN + "/{}", None),
            ("get", RUN + "/{}/file", None), ("get", RUN + "?user={}", None),
        )  # fmt: skip
        for method, path, body in routes:
            missing = plain(getattr(mine, method)(path.format(uuid.uuid4()), body))
            wrong += [
                (method, path, pk) for pk in ids
                if plain(getattr(mine, method)(path.format(pk), body)) != missing and not (pk == firm.user_id and "user=" in path)
            ]  # fmt: skip
    assert wrong == []
    theirs.refresh_from_db()
    assert theirs.is_active
    assert [row["email"] for row in api(other.user).get(SUBS).json()["results"]] == ["theirs@example.com"]
    assert api(firm.user).get("/api/v1/enterprise/dashboard").json()["spent"]["total"] == 0
    assert all(
        "theirs" not in json.dumps(api(firm.user).get(p).json()) for p in (SUBS, RUN, "/api/v1/enterprise/statement")
    )


def test_only_an_enterprise_has_sub_users(api, firm, make_user):
    sub, ben = make_sub_user(firm), make_user("ben@example.com")
    for user in (sub.user, ben, make_user("boss@example.com", roles=["super_admin"])):
        for path in (SUBS, f"{SUBS}/{sub.user_id}", "/api/v1/enterprise/dashboard", "/api/v1/enterprise/statement"):
            answer = api(user).get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "enterprise_only")
        assert api(user).post(SUBS, {"email": "x@example.com", "password": PASSWORD}).status_code == 403
    assert Membership.objects.filter(user_type="sub_user").count() == 1
    assert not Activity.objects.exists()
