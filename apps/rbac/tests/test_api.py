"""Roles, permissions, assignments and departments over HTTP (spec: api.md, Roles and departments)."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.rbac import services
from apps.rbac.models import Department, PlatformRole, Role, RolePermission, UserRole


@pytest.fixture
def owner(make_user):
    return make_user("owner@example.com", roles=["super_admin"])


@pytest.fixture
def admin(make_user):
    return make_user("admin@example.com", roles=["admin"])


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com")


@pytest.fixture
def send(api, owner):
    """send("POST", "roles", {...}) as the owner, or as `who`."""

    def call(method, path, body=None, who=None):
        return getattr(api(who or owner), method.lower())(f"/api/v1/{path}", body, format="json")

    return call


def test_a_role_is_made_read_changed_and_deleted(send):
    made = send("POST", "roles", {"key": "clerk", "name": "Clerk", "permissions": ["order.read"]})
    assert made.status_code == 201
    pk = made.json()["id"]
    parent = str(Role.objects.get(key="sales_executive").pk)

    changed = send("PUT", f"roles/{pk}", {"name": "Clerks", "parent_id": parent, "permissions": ["server.read"]})

    assert changed.status_code == 200
    assert changed.json() == send("GET", f"roles/{pk}").json()
    row = changed.json()
    assert (row["name"], row["parent_key"], row["is_system"], row["department"]) == (
        "Clerks",
        "sales_executive",
        False,
        None,
    )
    assert row["inherited"] == ["billing.read", "order.create", "order.read", "user.read"]
    assert row["permissions"] == sorted([*row["inherited"], "server.read"])
    added = send("POST", f"roles/{pk}/permissions", {"permissions": ["server.update"]})
    assert "server.update" in added.json()["permissions"]
    assert send("DELETE", f"roles/{pk}/permissions/server.update").status_code == 204
    assert send("DELETE", f"roles/{pk}/permissions/server.update").status_code == 404
    assert send("DELETE", f"roles/{pk}/permissions/order.read").json()["code"] == "permission_inherited"
    assert send("DELETE", f"roles/{pk}").status_code == 204
    assert send("GET", f"roles/{pk}").status_code == 404
    actions = AuditEvent.objects.filter(action__startswith="role.").order_by("id").values_list("action", flat=True)
    assert list(actions)[-5:] == [
        "role.created", "role.changed", "role.permissions_set", "role.permissions_set", "role.deleted",
    ]  # fmt: skip


def test_a_key_follows_from_the_name_and_what_is_left_out_stays(send):
    made = send("POST", "roles", {"name": "Night shift", "permissions": ["order.read"]}).json()
    assert made["key"] == "night_shift"

    changed = send("PUT", f"roles/{made['id']}", {"description": "Late"}).json()

    assert (changed["name"], changed["description"], changed["permissions"]) == ("Night shift", "Late", ["order.read"])


def test_system_roles_never_change(send):
    before = list(RolePermission.objects.order_by("pk").values())
    role = Role.objects.get(key="admin")
    for method, path, body in (
        ("PUT", f"roles/{role.pk}", {"name": "Chief"}),
        ("DELETE", f"roles/{role.pk}", None),
        ("POST", f"roles/{role.pk}/permissions", {"permissions": ["payout.approve"]}),
        ("DELETE", f"roles/{role.pk}/permissions/order.read", None),
    ):
        answer = send(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "system_role")

    assert list(RolePermission.objects.order_by("pk").values()) == before
    assert Role.objects.get(key="admin").name == "Admin"


def test_the_matrix_has_inherited_keys_too(send, site):
    found = send("GET", "roles/matrix").json()

    assert len(found["permissions"]) == 82
    manager = next(role for role in found["roles"] if role["key"] == "affiliate_manager")
    assert (manager["is_system"], manager["department"]) == (True, "AFFILIATE_MGMT")
    keys = {cell["permission"] for cell in found["role_permissions"] if cell["role"] == manager["id"]}
    assert {"affiliate.read", "affiliate.manage"} <= keys
    assert len(keys) == 10
    cells = [(cell["role"], cell["permission"]) for cell in found["role_permissions"]]
    assert len(cells) == len(set(cells))


def test_refusals_name_what_is_wrong(send):
    count = Role.objects.count()
    unknown = send("POST", "roles", {"key": "x1", "name": "X", "permissions": ["order.fly"]})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "permission_unknown")
    taken = send("POST", "roles", {"key": "admin", "name": "X"})
    assert (taken.status_code, taken.json()["code"]) == (409, "role_exists")
    assert send("POST", "roles", {"key": "x2", "name": "X", "parent_id": str(uuid.uuid4())}).status_code == 404
    assert send("POST", "roles", {"key": "Not a key", "name": "X"}).status_code == 400
    assert send("POST", "roles", {"name": "1"}).status_code == 400

    assert Role.objects.count() == count


def test_nobody_gives_edits_or_takes_what_they_lack(send, admin, ann):
    clerk = services.create_role(
        key="clerk",
        name="Clerk",
        description="",
        permissions=["payout.approve", "order.read"],
        actor=SYSTEM,
        access=None,
    )
    given = services.assign_role(user=ann, role=clerk, actor=SYSTEM, access=None)
    for method, path, body in (
        ("POST", "roles", {"key": "x1", "name": "X", "permissions": ["payout.approve"]}),
        ("PUT", f"roles/{clerk.pk}", {"name": "Clerk", "permissions": ["order.read"]}),
        ("POST", f"roles/{clerk.pk}/permissions", {"permissions": ["commission.approve"]}),
        ("DELETE", f"roles/{clerk.pk}/permissions/payout.approve", None),
        ("DELETE", f"roles/{clerk.pk}", None),
        ("POST", f"users/{ann.pk}/roles", {"role": "affiliate_manager"}),
        ("PUT", f"users/{ann.pk}/roles/{given.pk}", {"role": "sales_executive"}),
        ("DELETE", f"users/{ann.pk}/roles/{given.pk}", None),
    ):
        answer = send(method, path, body, who=admin)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), path

    assert list(UserRole.objects.filter(user=ann).values_list("pk", "role__key")) == [(given.pk, "clerk")]
    held = RolePermission.objects.filter(role=clerk).values_list("permission_id", flat=True)
    assert set(held) == {"payout.approve", "order.read"}
    # What comes or goes is the admin's own: fine.
    assert send("DELETE", f"roles/{clerk.pk}/permissions/order.read", who=admin).status_code == 204


def test_a_role_in_use_stays(send, ann):
    made = send("POST", "roles", {"key": "clerk", "name": "Clerk", "permissions": ["order.read"]}).json()
    given = send("POST", f"users/{ann.pk}/roles", {"role": made["id"]}).json()
    answer = send("DELETE", f"roles/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "role_in_use")
    assert Role.objects.filter(key="clerk").exists()

    assert send("DELETE", f"users/{ann.pk}/roles/{given['id']}").status_code == 204
    assert send("DELETE", f"roles/{made['id']}").status_code == 204


def test_assignments_are_given_changed_and_taken(send, ann, api):
    department = Department.objects.get(code="SUPPORT")
    until = (timezone.now() + timedelta(days=3)).isoformat()
    body = {"role": "payout_manager", "scope": {"kind": "department", "id": str(department.pk)}, "expires_at": until}
    made = send("POST", f"users/{ann.pk}/roles", body)
    assert made.status_code == 201
    row = made.json()
    assert row["scope"] == {"kind": "department", "id": str(department.pk), "name": "Customer Support Department"}
    assert (row["role"], row["user_id"], row["position"]) == ("payout_manager", str(ann.pk), None)
    assert send("POST", f"users/{ann.pk}/roles", body).json()["code"] == "role_held"
    listed = send("GET", f"users/{ann.pk}/roles").json()["results"]
    assert [item["id"] for item in listed] == [row["id"]]

    changed = send("PUT", f"users/{ann.pk}/roles/{row['id']}", {"scope": {"kind": "site"}, "expires_at": None}).json()

    assert (changed["scope"]["kind"], changed["scope"]["id"], changed["expires_at"]) == ("site", None, None)
    assert api(ann).get("/api/v1/payouts").status_code == 200
    assert send("DELETE", f"users/{ann.pk}/roles/{row['id']}").status_code == 204
    assert api(ann).get("/api/v1/payouts").status_code == 403
    event = AuditEvent.objects.get(action="role.reassigned")
    assert (event.before["scope"], event.after["scope"]) == ("department", "site")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"expires_at": "2001-01-01T00:00:00Z"}, 400, "expires_in_past"),
        ({"expires_at": "2200-01-01T00:00:00Z"}, 400, "invalid"),
        ({"scope": {"kind": "department"}}, 400, "invalid"),
        ({"scope": {"kind": "site", "id": str(uuid.uuid4())}}, 400, "invalid"),
        ({"scope": {"kind": "galaxy"}}, 400, "invalid"),
        ({"scope": {"kind": "department", "id": str(uuid.uuid4())}}, 404, "not_found"),
        ({"scope": {"kind": "enterprise", "id": str(uuid.uuid4())}}, 404, "not_found"),
        ({"role": "nobody_knows"}, 404, "not_found"),
        ({"role": str(uuid.uuid4())}, 404, "not_found"),
        ({"role": "executive", "scope": {"kind": "platform"}}, 403, "permission_denied"),
    ],
)
def test_what_can_not_be_given(send, ann, change, status, code):
    answer = send("POST", f"users/{ann.pk}/roles", {"role": "sales_executive", **change})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not UserRole.objects.filter(user=ann).exists()
    assert not PlatformRole.objects.exists()


def test_a_role_that_has_ended_is_given_anew(send, ann):
    role = Role.objects.get(key="sales_executive")
    given = services.assign_role(user=ann, role=role, actor=SYSTEM, access=None)
    UserRole.objects.filter(pk=given.pk).update(expires_at=timezone.now() - timedelta(days=1))

    assert send("POST", f"users/{ann.pk}/roles", {"role": "sales_executive"}).status_code == 201
    assert UserRole.objects.filter(user=ann).count() == 1


def test_people_and_things_of_another_site_are_not_found(send, other_site, ann):
    from apps.accounts.models import Membership, User

    with site_context(other_site.pk):
        stranger = User.objects.create_user(email="stranger@example.com", password=None)
        Membership.objects.create(user=stranger)
        role, department = Role.objects.get(key="accountant"), Department.objects.get(code="QA")
    assert send("GET", f"users/{stranger.pk}/roles").status_code == 404
    assert send("POST", f"users/{stranger.pk}/roles", {"role": "accountant"}).status_code == 404
    for path in (f"roles/{role.pk}", f"departments/{department.pk}", f"departments/{department.pk}/members"):
        assert send("GET", path).status_code == 404
    assert send("POST", f"users/{ann.pk}/roles", {"role": str(role.pk)}).status_code == 404
    assert send("POST", "departments", {"code": "X1", "name": "X", "parent_id": str(department.pk)}).status_code == 404
    assert send("POST", "departments", {"code": "X1", "name": "X", "head_id": str(stranger.pk)}).status_code == 404
    body = {"user_id": str(stranger.pk)}
    assert send("POST", f"departments/{Department.objects.get(code='QA').pk}/members", body).status_code == 404

    assert not UserRole.objects.filter(user__in=[stranger, ann]).exists()
    assert not Department.objects.filter(code="X1").exists()


def test_platform_roles_are_given_by_those_who_have_one(send, ann, admin, make_user):
    boss = make_user("boss@example.com")
    services.grant_platform_role(user=boss, role_key="super_admin", actor=SYSTEM, access=None)
    body = {"role": "super_admin", "scope": {"kind": "platform"}}
    assert send("POST", f"users/{ann.pk}/roles", body, who=admin).status_code == 403
    assert send("POST", f"users/{ann.pk}/roles", body).status_code == 403  # a super admin of this site alone
    assert PlatformRole.objects.count() == 1

    made = send("POST", f"users/{ann.pk}/roles", body, who=boss)

    assert made.status_code == 201
    assert made.json()["scope"]["kind"] == "platform"
    until = (timezone.now() + timedelta(days=3)).isoformat()
    url = f"users/{ann.pk}/roles/{made.json()['id']}"
    assert send("PUT", url, {"expires_at": until}, who=boss).json()["expires_at"] is not None
    assert send("DELETE", url, who=boss).status_code == 204
    assert PlatformRole.objects.count() == 1


def test_departments_over_http(send, ann):
    parent = Department.objects.get(code="TECH")
    positions = [{"key": "lead", "name": "Lead", "role": "developer"}]
    made = send("POST", "departments", {"code": "DATA", "name": "Data", "purpose": "Figures", "parent_id": str(parent.pk),
                                        "head_id": str(ann.pk), "positions": positions})  # fmt: skip
    assert made.status_code == 201
    row = made.json()
    assert row == {
        "id": row["id"], "code": "DATA", "name": "Data", "purpose": "Figures", "parent_id": str(parent.pk),
        "head": {"id": str(ann.pk), "name": "ann@example.com"}, "positions": positions,
    }  # fmt: skip
    assert send("POST", "departments", {"code": "DATA", "name": "Again"}).json()["code"] == "department_exists"
    cycle = send("PUT", f"departments/{parent.pk}", {"name": "Technology", "parent_id": row["id"]})
    assert (cycle.status_code, cycle.json()["code"]) == (400, "department_cycle")

    member = send("POST", f"departments/{row['id']}/members", {"user_id": str(ann.pk), "position": "lead"})

    assert member.status_code == 201
    assert member.json()["position"] == {"key": "lead", "name": "Lead"}
    roles = send("GET", f"users/{ann.pk}/roles").json()["results"]
    assert [(item["role"], item["position"]["key"]) for item in roles] == [("developer", "lead")]
    url = f"departments/{row['id']}/members/{member.json()['id']}"
    assert send("PATCH", url, {"position": "ceo"}).json()["code"] == "position_unknown"
    assert send("DELETE", f"departments/{row['id']}").json()["code"] == "department_in_use"
    assert send("PATCH", url, {"position": None}).json()["position"] is None
    assert send("DELETE", url).status_code == 204
    assert send("GET", f"users/{ann.pk}/roles").json()["results"] == []
    assert send("DELETE", f"departments/{row['id']}").status_code == 204
