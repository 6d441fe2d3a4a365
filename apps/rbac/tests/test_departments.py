"""Departments, positions, and the roles that come and go with them (H1)."""

import pytest

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Denied, Invalid, NotFound
from apps.core.tenancy import site_context
from apps.rbac import services
from apps.rbac.access import load_access
from apps.rbac.models import Department, DepartmentMember, Position, Role, UserRole
from apps.rbac.services.departments import WantedPosition

BY = {"actor": SYSTEM, "access": None}


@pytest.fixture
def support(site):
    return Department.objects.get(code="SUPPORT")


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com")


def position(key):
    return Position.objects.select_related("role").get(key=key)


def roles_of(user):
    return sorted(load_access(user.pk).roles)


def test_a_position_gives_its_role_and_takes_it_back(support, ann):
    member = services.add_member(department=support, user=ann, position=position("support_agent"), **BY)
    assert roles_of(ann) == ["support_agent"]

    services.place_member(member=member, position=position("support_manager"), **BY)
    assert roles_of(ann) == ["support_manager"]
    services.place_member(member=member, position=None, **BY)
    assert roles_of(ann) == []
    services.place_member(member=member, position=position("support_agent"), **BY)
    services.remove_member(member=member, **BY)

    assert roles_of(ann) == []
    assert not DepartmentMember.objects.filter(user=ann).exists()
    actions = list(AuditEvent.objects.filter(action__startswith="department.").values_list("action", flat=True))
    assert actions.count("department.member_placed") == 3
    assert actions[-1] == "department.member_removed"


def test_a_role_given_by_hand_stays_when_the_position_goes(support, ann):
    services.assign_role(user=ann, role=Role.objects.get(key="support_agent"), **BY)
    member = services.add_member(department=support, user=ann, position=position("support_agent"), **BY)
    with_position = UserRole.objects.get(user=ann, member=member)
    with pytest.raises(Conflict) as refused:
        services.revoke_role(assignment=with_position, **BY)
    assert refused.value.code == "from_position"

    services.remove_member(member=member, **BY)

    assert roles_of(ann) == ["support_agent"]


def test_another_role_for_a_position_reaches_who_is_in_it(support, ann):
    services.add_member(department=support, user=ann, position=position("support_agent"), **BY)
    kept = [
        WantedPosition(p.key, p.name, p.role)
        for p in support.positions.select_related("role")
        if p.key != "support_agent"
    ]

    wanted = [*kept, WantedPosition("support_agent", "Agent", Role.objects.get(key="sales_executive"))]
    services.update_department(department=support, positions=wanted, **BY)

    assert roles_of(ann) == ["sales_executive"]
    with pytest.raises(Conflict) as refused:
        services.update_department(department=support, positions=kept, **BY)
    assert refused.value.code == "position_in_use"
    assert Position.objects.filter(key="support_agent").exists()


def test_nobody_appoints_to_a_position_whose_role_they_may_not_give(support, ann, make_user):
    admin = make_user("admin@example.com", roles=["admin"])
    access = load_access(admin.pk)
    with pytest.raises(Denied):
        services.add_member(
            department=support, user=ann, position=position("support_manager"), actor=admin, access=access
        )
    assert not DepartmentMember.objects.exists()
    member = services.add_member(department=support, user=ann, position=position("support_manager"), **BY)

    with pytest.raises(Denied):
        services.remove_member(member=member, actor=admin, access=access)

    assert roles_of(ann) == ["support_manager"]


def test_a_position_gives_no_role_that_its_maker_lacks(support, make_user):
    admin = make_user("admin@example.com", roles=["admin"])
    by = {"actor": admin, "access": load_access(admin.pk)}
    kept = [WantedPosition(p.key, p.name, p.role) for p in support.positions.select_related("role")]
    boss = Role.objects.get(key="super_admin")
    raised = [WantedPosition(item.key, item.name, boss if item.key == "support_agent" else item.role) for item in kept]
    for wanted in ([*kept, WantedPosition("boss", "Boss", boss)], raised):
        with pytest.raises(Denied):
            services.update_department(department=support, positions=wanted, **by)

    assert set(support.positions.values_list("role__key", flat=True)) == {item.role.key for item in kept}


def test_a_department_never_stands_below_itself(support):
    below = services.create_department(code="TIER1", name="Tier 1", purpose="", parent=support, **BY)
    for parent in (below, support):
        with pytest.raises(Invalid) as refused:
            services.update_department(department=support, parent=parent, **BY)
        assert refused.value.code == "department_cycle"

    assert Department.objects.get(code="SUPPORT").parent is None


def test_heads_and_members_belong_to_the_site(support, other_site, make_user):
    from apps.accounts.models import Membership, User

    with site_context(other_site.pk):
        stranger = User.objects.create_user(email="stranger@example.com", password=None)
        Membership.objects.create(user=stranger)
    with pytest.raises(NotFound):
        services.update_department(department=support, head=stranger, **BY)
    with pytest.raises(NotFound):
        services.add_member(department=support, user=stranger, **BY)

    assert Department.objects.get(code="SUPPORT").head is None
    head = make_user("head@example.com")
    assert services.update_department(department=support, head=head, **BY).head == head


def test_a_department_that_is_needed_is_not_deleted(support, ann):
    member = services.add_member(department=support, user=ann, **BY)
    with pytest.raises(Conflict):
        services.delete_department(department=support, actor=SYSTEM)
    services.remove_member(member=member, **BY)
    below = services.create_department(code="TIER1", name="Tier 1", purpose="", parent=support, **BY)
    with pytest.raises(Conflict):
        services.delete_department(department=support, actor=SYSTEM)
    services.delete_department(department=below, actor=SYSTEM)
    given = services.assign_role(
        user=ann, role=Role.objects.get(key="sales_executive"), scope="department", scope_id=support.pk, **BY
    )
    with pytest.raises(Conflict) as refused:
        services.delete_department(department=support, actor=SYSTEM)
    assert refused.value.code == "department_in_use"

    services.revoke_role(assignment=given, **BY)
    services.delete_department(department=support, actor=SYSTEM)

    assert not Department.objects.filter(code="SUPPORT").exists()
