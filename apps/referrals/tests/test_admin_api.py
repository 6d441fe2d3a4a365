"""The staff's endpoints (T7, X6)."""

from uuid import uuid4

import pytest

from apps.audit.models import AuditEvent
from apps.core.tenancy import site_context
from apps.referrals.models import Partner, TreeMove
from apps.referrals.services import join
from apps.referrals.tests.factories import make_partner

API = "/api/v1"
FRAME = 4


@pytest.fixture
def manager(api, make_user):
    return api(make_user("manager@example.com", roles=["affiliate_manager"]))


def test_staff_see_the_whole_tree_with_whole_addresses(manager, team):
    body = manager.get(f"{API}/admin/referrals/global-tree").json()

    assert [(row["name"], row["level"]) for row in body["results"]] == [
        ("Ann", 1), ("Bob", 2), ("Dora", 3), ("Eve", 4), ("Carl", 2), ("Zoe", 1),
    ]  # fmt: skip
    assert body["results"][0]["email"] == team["ann"].user.email
    assert body["results"][0]["parent_id"] is None
    below = manager.get(f"{API}/admin/referrals/global-tree", {"root": str(team["bob"].pk), "depth": 1}).json()
    assert [(row["name"], row["level"]) for row in below["results"]] == [("Dora", 1)]


def test_the_global_tree_is_closed_to_partners_and_to_other_sites(api, team, manager, other_site):
    assert api(team["ann"].user).get(f"{API}/admin/referrals/global-tree").status_code == 403
    with site_context(other_site.pk):
        foreign = make_partner()
    missing = {str(uuid4()), str(foreign.pk), str(Partner.objects.get(depth=1).pk), "x"}
    answers = {manager.get(f"{API}/admin/referrals/global-tree", {"root": root}).status_code for root in missing}
    assert answers == {404}


def move(client, partner, **body):
    return client.post(f"{API}/admin/referrals/{partner.pk}/move", body)


def test_a_move_is_previewed_and_made(manager, team):
    bob, zoe = team["bob"], team["zoe"]

    preview = move(manager, bob, new_sponsor_id=str(zoe.pk), reason="Asked for it", preview=True)
    assert preview.status_code == 200
    assert Partner.objects.get(pk=bob.pk).sponsor_id == team["ann"].pk
    body = preview.json()
    assert (body["status"], body["id"], body["people"], body["depth_change"]) == ("preview", None, 3, 0)
    assert {change["partner_id"]: change["total_team_size"] for change in body["changes"]} == {
        str(team["ann"].pk): 1, str(zoe.pk): 3,
    }  # fmt: skip

    made = move(manager, bob, new_sponsor_id=str(zoe.pk), reason="Asked for it")
    assert (made.status_code, made.json()["status"], made.json()["changes"]) == (200, "applied", body["changes"])
    assert Partner.objects.get(pk=bob.pk).sponsor_id == zoe.pk
    assert AuditEvent.objects.get(action="partner.moved").actor_name == "manager@example.com"


def test_a_move_can_wait(manager, team):
    answer = move(
        manager, team["bob"], new_sponsor_id=None, reason="x", effective_at="2126-01-01T00:00:00Z"
    )  # fmt: skip

    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    past = move(manager, team["carl"], new_sponsor_id=None, reason="x", effective_at="2020-01-01T00:00:00Z")
    assert (past.status_code, past.json()["code"]) == (400, "effective_in_past")
    never = move(manager, team["carl"], new_sponsor_id=None, reason="x", effective_at="9999-12-31T23:00:00Z")
    assert (never.status_code, never.json()["code"]) == (400, "invalid")
    assert TreeMove.objects.count() == 1


@pytest.mark.parametrize(
    ("sponsor", "code"),
    [
        ("eve", "move_into_own_downline"), ("bob", "move_into_own_downline"), ("foreign", "sponsor_unknown"),
        ("root", "sponsor_unknown"),
    ],
)  # fmt: skip
def test_impossible_sponsors_are_a_400(manager, team, other_site, sponsor, code):
    with site_context(other_site.pk):
        foreign = make_partner()
    targets = {**team, "foreign": foreign, "root": Partner.objects.get(depth=1)}

    for preview in (True, False):
        answer = move(manager, team["bob"], new_sponsor_id=str(targets[sponsor].pk), reason="x", preview=preview)
        assert (answer.status_code, answer.json()["code"]) == (400, code)

    assert Partner.objects.get(pk=team["bob"].pk).sponsor_id == team["ann"].pk


def test_who_may_move_whom(api, team, manager, make_user, other_site):
    with site_context(other_site.pk):
        foreign = make_partner()
    target = {"new_sponsor_id": str(team["zoe"].pk), "reason": "x"}

    assert move(api(team["ann"].user), team["bob"], **target).status_code == 403
    assert move(api(make_user(roles=["admin"])), team["bob"], **target).status_code == 403
    assert move(manager, foreign, **target).status_code == 404
    assert move(manager, Partner.objects.get(depth=1), **target).status_code == 404
    assert move(manager, team["bob"], new_sponsor_id=target["new_sponsor_id"]).status_code == 400
    assert not TreeMove.objects.exists()


def test_status_and_kind_are_staff_decisions(manager, api, team):
    ann = team["ann"]

    answer = manager.patch(
        f"{API}/admin/partners/{ann.pk}", {"status": "frozen", "kind": "agent", "reason": "Two faces"}
    )

    assert (answer.status_code, answer.json()["status"], answer.json()["kind"]) == (200, "frozen", "agent")
    event = AuditEvent.objects.get(action="partner.status_changed")
    assert (event.before, event.after, event.reason) == ({"status": "active"}, {"status": "frozen"}, "Two faces")
    refused = api(ann.user).patch(f"{API}/admin/partners/{ann.pk}", {"status": "active", "reason": "please"})
    assert refused.status_code == 403
    for body in ({}, {"status": "pending"}, {"kind": "root"}, {"reason": "x"}):
        assert manager.patch(f"{API}/admin/partners/{ann.pk}", body).status_code == 400
    ann.refresh_from_db()
    assert (ann.status, ann.kind) == ("frozen", "agent")


def test_the_query_count_of_the_global_tree_is_pinned(manager, team, django_assert_num_queries):
    with django_assert_num_queries(4 + FRAME):
        manager.get(f"{API}/admin/referrals/global-tree")


@pytest.mark.parametrize(("was", "wanted"), [("frozen", "active"), ("active", "inactive")])
def test_nobody_decides_about_themselves_by_a_second_role(api, site, make_user, was, wanted):
    user = make_user("manager@example.com", roles=["affiliate_manager"])
    own = join(user=user)
    Partner.objects.filter(pk=own.pk).update(status=was)

    answer = api(user).patch(f"{API}/admin/partners/{own.pk}", {"status": wanted, "reason": "It was a mistake"})

    assert (answer.status_code, answer.json()["code"]) == (403, "own_partner")
    assert Partner.objects.get(pk=own.pk).status == was
    assert not AuditEvent.objects.filter(action="partner.status_changed").exists()
