"""Roles, the matrix and what is given to whom, as staff meet them: a look before a change, locks with their reason, refusals that
change nothing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.rbac import services
from apps.rbac.models import Department, PlatformRole, Role, RolePermission, UserRole

BY = {"actor": SYSTEM, "access": None}
MATRIX = "/admin/rbac/role/matrix/"


def own(role):
    rows = RolePermission.objects.filter(role=role, inherited=False)
    return set(rows.values_list("permission_id", flat=True))


def page_of(role):
    return reverse("admin:rbac_role_change", args=[role.pk])


def diff_of(role):
    return reverse("admin:rbac_role_diff", args=[role.pk])


@pytest.fixture
def clerk(site):
    return services.create_role(
        key="clerk", name="Clerk", description="Files", permissions=["order.read", "payout.approve"], **BY
    )


def filled(role, permissions, **more):
    return {
        "name": role.name, "description": role.description, "parent": role.parent_id or "", "permissions": sorted(permissions),
        "seen": services.fingerprint(role), **more,
    }  # fmt: skip


def line(page, resource):
    row = page.content.decode().split(f'<th scope="row">{resource}</th>')[1].split("</tr>")[0]
    return [cell.split("</td>")[0] for cell in row.split("<td>")[1:]]


def test_the_matrix_has_a_letter_in_a_slot_of_its_own_for_each_permission(office):
    page = office("super_admin").get(MATRIX, {"kind": "system"})
    names = [role.key for role in page.context["shown"]]

    payout = dict(zip(names, line(page, "payout"), strict=True))
    assert (payout["affiliate_manager"], payout["payout_manager"]) == ("CR...M", ".RU.A.")
    assert dict(zip(names, line(page, "referral.bonus"), strict=True))["ai_fraud_officer"] == "......F"
    assert payout["support_agent"] == "–"


def statements(desk, chosen):
    with CaptureQueriesContext(connection) as found:
        assert desk.get(MATRIX, {"role": chosen}).status_code == 200
    return len(found)


def test_the_matrix_costs_the_same_with_forty_more_roles(office, steady_sites):
    desk = office("super_admin")
    chosen = str(Role.objects.get(key="accountant").pk)
    before = statements(desk, chosen)

    for number in range(40):
        services.create_role(key=f"r{number}", name=f"R{number}", description="", permissions=["order.read"], **BY)

    assert statements(desk, chosen) == before


def test_a_role_is_changed_after_a_look(office, clerk, make_user):
    make_user("holder@example.com", roles=["clerk"])
    desk = office("super_admin")
    wanted = filled(clerk, ["order.read", "billing.read"], name="Clerks")

    look = desk.post(diff_of(clerk), wanted)

    assert look.status_code == 200
    shown = look.context["diff"]
    assert (shown.added, shown.removed, shown.people) == (["billing.read"], ["payout.approve"], 1)
    assert "Affects 1 person" in look.content.decode()
    assert own(clerk) == {"order.read", "payout.approve"}
    assert not AuditEvent.objects.filter(action="role.changed").exists()

    assert "Say why" in desk.post(diff_of(clerk), {**wanted, "confirm": "yes"}).content.decode()
    assert own(clerk) == {"order.read", "payout.approve"}
    desk.post(diff_of(clerk), {**wanted, "confirm": "yes", "reason": "Asked for by finance"})

    assert own(clerk) == {"order.read", "billing.read"}
    event = AuditEvent.objects.get(action="role.changed")
    assert (event.reason, event.before["name"], event.after["name"]) == ("Asked for by finance", "Clerk", "Clerks")


@pytest.mark.parametrize("confirm", [{}, {"confirm": "yes", "reason": "Mine"}])
def test_what_was_changed_meanwhile_is_not_overwritten(office, clerk, confirm):
    desk = office("super_admin")
    wanted = filled(clerk, ["order.read"])
    services.give_permissions(role=clerk, permissions=["user.read"], **BY)

    desk.post(diff_of(clerk), {**wanted, **confirm})

    assert any("since you looked" in text for text in desk.said)
    assert own(clerk) == {"order.read", "payout.approve", "user.read"}


def test_boxes_that_are_not_ones_own_to_give_are_locked_and_stay(office, clerk):
    desk = office("admin")
    page = desk.get(page_of(clerk)).content.decode()
    box = page.split('value="payout.approve"')[1].split(">")[0]
    assert "checked" in box
    assert "disabled" in box
    assert "you can’t give, or take, what you don’t hold yourself" in page

    # A locked box is not posted; whoever posts one all the same is refused.
    desk.post(diff_of(clerk), filled(clerk, ["order.update"], confirm="yes", reason="New work"))
    assert own(clerk) == {"order.update", "payout.approve"}
    clerk.refresh_from_db()
    desk.post(diff_of(clerk), filled(clerk, ["commission.approve"], confirm="yes", reason="More"))
    assert any("don't hold" in text for text in desk.said)
    assert own(clerk) == {"order.update", "payout.approve"}


def test_inherited_boxes_are_locked_and_lead_to_where_they_come_from(office, clerk):
    senior = services.create_role(key="senior", name="Senior", description="", permissions=[], parent=clerk, **BY)

    page = office("super_admin").get(page_of(senior)).content.decode()

    box = page.split('value="order.read"')[1].split(">")[0]
    assert "checked" in box
    assert "disabled" in box
    assert "from Clerk" in page


def test_system_roles_are_only_looked_at(office):
    desk, role = office("super_admin"), Role.objects.get(key="admin")
    assert "See what would change" not in desk.get(page_of(role)).content.decode()

    desk.post(diff_of(role), filled(role, ["order.read"], confirm="yes", reason="Try"))

    assert any("never change" in text for text in desk.said)
    assert "order.create" in own(role)


def test_a_role_is_made_and_deleted(office):
    desk = office("super_admin")
    new = {"name": "Night shift", "key": "night", "description": "", "parent": "", "permissions": ["order.read"]}
    assert desk.post(reverse("admin:rbac_role_add"), {**new, "key": "admin"}).status_code == 200
    assert desk.post(reverse("admin:rbac_role_add"), new).status_code == 302
    role = Role.objects.get(key="night")
    assert own(role) == {"order.read"}

    desk.do("remove", role)
    assert Role.objects.filter(key="night").exists()
    desk.do("remove", role, note="Not needed")

    assert not Role.objects.filter(key="night").exists()
    assert AuditEvent.objects.get(action="role.deleted").reason == "Not needed"


@pytest.mark.parametrize("path", ["diff", "add"])
def test_whoever_may_not_change_roles_does_not(office, clerk, path):
    desk = office("payout_manager")
    url = diff_of(clerk) if path == "diff" else reverse("admin:rbac_role_add")

    assert desk.post(url, filled(clerk, [], key="x1")).status_code == 403
    assert desk.get(MATRIX).status_code == 403
    assert own(clerk) == {"order.read", "payout.approve"}


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", full_name="Ann Example")


def give(desk, **more):
    data = {
        "user": "ann@example.com", "role": str(Role.objects.get(key="payout_manager").pk), "scope": "site", "reason": "New job",
        **more,
    }  # fmt: skip
    return desk.post(reverse("admin:rbac_userrole_add"), data)


def test_a_role_is_given_for_a_department_and_taken_back(office, ann):
    desk, support = office("super_admin"), Department.objects.get(code="SUPPORT")
    assert give(desk, scope="department").status_code == 200
    assert give(desk, department=str(support.pk)).status_code == 200
    assert give(desk, expires_at="2001-01-01T10:00").status_code == 200
    assert give(desk, user="nobody@example.com").status_code == 200
    assert not UserRole.objects.filter(user=ann).exists()

    assert give(desk, scope="department", department=str(support.pk)).status_code == 302

    held = UserRole.objects.get(user=ann)
    assert (held.scope, held.scope_id) == ("department", support.pk)
    assert "Customer Support Department" in desk.get(reverse("admin:rbac_userrole_changelist")).content.decode()
    desk.do("revoke", held)
    assert UserRole.objects.filter(user=ann).exists()
    desk.do("revoke", held, note="Left")
    assert not UserRole.objects.filter(user=ann).exists()
    assert AuditEvent.objects.get(action="role.revoked").reason == "Left"


def test_a_role_for_an_enterprise_names_one(office, ann, make_user):
    desk = office("super_admin")
    acme = make_user("acme@example.com", user_type="enterprise")
    assert "No enterprise" in give(desk, scope="enterprise", enterprise="ann@example.com").content.decode()

    give(desk, scope="enterprise", enterprise="acme@example.com")

    assert UserRole.objects.get(user=ann).scope_id == acme.pk


def test_what_one_may_not_give_is_said_on_the_form(office, ann):
    answer = give(office("admin"))

    assert "what you don&#x27;t hold" in answer.content.decode()
    assert not UserRole.objects.filter(user=ann).exists()


def test_roles_at_every_site_are_for_those_who_have_one(office, ann, make_user):
    assert give(office("super_admin"), scope="platform").status_code == 200
    assert not PlatformRole.objects.exists()
