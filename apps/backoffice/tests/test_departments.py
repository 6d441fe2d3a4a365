"""The department tree and its pages, as staff use them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.rbac import services
from apps.rbac.access import load_access
from apps.rbac.models import Department, DepartmentMember, Position, Role

from .conftest import Office

BY = {"actor": SYSTEM, "access": None}
TREE = "/admin/rbac/department/"


@pytest.fixture
def support(site):
    return Department.objects.get(code="SUPPORT")


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", full_name="Ann Example")


def page_of(department):
    return reverse("admin:rbac_department_change", args=[department.pk])


def names(nodes):
    return {node.department.code: names(node.below) for node in nodes}


def test_the_tree_stands_as_it_is_and_finds_by_name(office, support):
    services.create_department(code="TIER1", name="Tier 1", purpose="", parent=support, **BY)
    desk = office("super_admin")

    tree = names(desk.get(TREE).context["roots"])

    assert tree["SUPPORT"] == {"TIER1": {}}
    assert len(tree) == 9
    assert set(names(desk.get(TREE, {"q": "tier"}).context["roots"])) == {"TIER1"}
    assert "Nothing fits" in desk.get(TREE, {"q": "%"}).content.decode()


def test_the_tree_costs_the_same_with_more_departments_and_people(office, support, make_user, steady_sites):
    desk, counts = office("super_admin"), []
    for number in range(2):
        with CaptureQueriesContext(connection) as found:
            desk.get(TREE)
            desk.get(page_of(support))
        counts.append(len(found))
        for more in range(5):
            made = services.create_department(
                code=f"X{number}{more}", name=f"X{number}{more}", purpose="", parent=support, head=make_user(), **BY
            )
            services.add_member(department=made, user=make_user(), **BY)
            services.add_member(department=support, user=make_user(), **BY)

    assert counts[0] == counts[1]


def test_a_department_is_made_moved_and_deleted(office, support, ann):
    desk = office("super_admin")
    new = {"name": "Night desk", "code": "NIGHT", "purpose": "", "parent": str(support.pk), "head": "ann@example.com"}
    assert desk.post(reverse("admin:rbac_department_add"), {**new, "code": "SUPPORT"}).status_code == 200
    assert desk.post(reverse("admin:rbac_department_add"), {**new, "head": "who@example.com"}).status_code == 200
    desk.post(reverse("admin:rbac_department_add"), new)
    made = Department.objects.get(code="NIGHT")
    assert (made.parent, made.head) == (support, ann)

    desk.post(page_of(support), {"do": "save", "name": "Support", "purpose": "", "parent": str(made.pk), "head": ""})
    support.refresh_from_db()
    assert (support.name, support.parent) == ("Customer Support Department", None)
    desk.post(page_of(made), {"do": "save", "name": "Nights", "purpose": "Late", "parent": "", "head": ""})
    made.refresh_from_db()
    assert (made.name, made.parent, made.head) == ("Nights", None, None)

    desk.post(page_of(made), {"do": "delete", "reason": ""})
    assert Department.objects.filter(code="NIGHT").exists()
    desk.post(page_of(made), {"do": "delete", "reason": "Merged"})
    assert not Department.objects.filter(code="NIGHT").exists()
    assert AuditEvent.objects.get(action="department.deleted").reason == "Merged"


def test_people_come_in_move_and_leave(office, support, ann):
    desk, agent = office("super_admin"), Position.objects.get(key="support_agent")
    taken = {"do": "add_member", "person": "ann@example.com", "position": str(agent.pk), "reason": "Hired"}
    desk.post(page_of(support), {**taken, "reason": ""})
    assert not DepartmentMember.objects.exists()
    desk.post(page_of(support), taken)
    member = DepartmentMember.objects.get()
    assert load_access(ann.pk).roles == {"support_agent"}

    desk.post(page_of(support), {"do": f"place:{member.pk}", "position": "support_manager", "reason": ""})
    assert load_access(ann.pk).roles == {"support_agent"}
    desk.post(page_of(support), {"do": f"place:{member.pk}", "position": "support_manager", "reason": "Promoted"})
    assert load_access(ann.pk).roles == {"support_manager"}
    desk.post(page_of(support), {"do": f"remove:{member.pk}", "reason": "Left"})

    assert load_access(ann.pk).roles == set()
    assert AuditEvent.objects.get(action="department.member_removed").reason == "Left"


def test_positions_come_and_go(office, support, ann):
    desk, role = office("super_admin"), Role.objects.get(key="developer")
    desk.post(page_of(support), {"do": "add_position", "name": "Tooling", "key": "tooling", "role": str(role.pk)})
    assert Position.objects.get(key="tooling").role == role
    position = Position.objects.select_related("role").get(key="tooling")
    member = services.add_member(department=support, user=ann, position=position, **BY)
    desk.post(page_of(support), {"do": "remove_position:tooling"})
    assert Position.objects.filter(key="tooling").exists()
    other = Role.objects.get(key="qa_engineer")
    desk.post(page_of(support), {"do": "change_position:tooling", "role": str(other.pk)})
    assert load_access(ann.pk).roles == {"qa_engineer"}
    services.remove_member(member=member, **BY)

    desk.post(page_of(support), {"do": "remove_position:tooling"})

    assert not Position.objects.filter(key="tooling").exists()


def test_who_works_for_one_department_sees_and_changes_that(site, support, ann, make_user):
    lead = make_user("lead@example.com")
    role = services.create_role(
        key="lead", name="Lead", description="", permissions=["department.read", "department.update", "department.create"], **BY
    )  # fmt: skip
    services.create_department(code="TIER1", name="Tier 1", purpose="", parent=support, **BY)
    services.assign_role(user=lead, role=role, scope="department", scope_id=support.pk, **BY)
    desk, sales = Office(lead, site), Department.objects.get(code="SALES")

    assert names(desk.get(TREE).context["roots"]) == {"SUPPORT": {"TIER1": {}}}
    assert desk.get(page_of(sales)).status_code == 404
    assert desk.post(page_of(sales), {"do": "save", "name": "Mine"}).status_code == 404
    desk.post(page_of(support), {"do": "save", "name": "Help", "purpose": "", "parent": "", "head": ""})
    new = {"name": "Lab", "code": "LAB", "purpose": "", "head": ""}
    desk.post(reverse("admin:rbac_department_add"), {**new, "parent": ""})
    assert not Department.objects.filter(code="LAB").exists()
    desk.post(reverse("admin:rbac_department_add"), {**new, "parent": str(support.pk)})
    # Ann is not theirs to draw in.
    desk.post(page_of(support), {"do": "add_member", "person": "ann@example.com", "position": "", "reason": "Mine"})

    assert Department.objects.get(code="LAB").parent.name == "Help"
    assert not DepartmentMember.objects.exists()
