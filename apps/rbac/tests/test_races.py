"""Changes of roles and departments at the same time: each sees what the other did, and none waits for ever."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.core.errors import DomainError
from apps.core.tenancy import site_context
from apps.rbac import services
from apps.rbac.models import Department, DepartmentMember, Position, Role, RolePermission, UserRole
from apps.rbac.services.departments import WantedPosition

BY = {"actor": SYSTEM, "access": None}
pytestmark = pytest.mark.django_db(transaction=True)


def side_by_side(site_id, *acts):
    """What became of each: None, or the code it was refused with."""
    outcomes, start = {}, Barrier(len(acts))

    def go(number, act):
        try:
            start.wait()
            with site_context(site_id):
                act()
            outcomes[number] = None
        except DomainError as error:
            outcomes[number] = error.code
        finally:
            connection.close()

    threads = [Thread(target=go, args=item) for item in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return [outcomes[number] for number in range(len(acts))]


def test_two_departments_do_not_end_up_below_each_other(transactional_alpha):
    with site_context(transactional_alpha):
        one, two = Department.objects.filter(code__in=["QA", "TECH"]).order_by("code")

    outcomes = side_by_side(
        transactional_alpha,
        lambda: services.update_department(department=one, parent=two, **BY),
        lambda: services.update_department(department=two, parent=one, **BY),
    )

    assert sorted(outcomes, key=str) == [None, "department_cycle"]


def test_two_roles_do_not_take_over_from_each_other(transactional_alpha):
    with site_context(transactional_alpha):
        one, two = Role.objects.filter(key__in=["accountant", "marketer"]).order_by("key")

    outcomes = side_by_side(
        transactional_alpha,
        lambda: services.update_role(role=one, parent=two, **BY),
        lambda: services.update_role(role=two, parent=one, **BY),
    )

    assert sorted(outcomes, key=str) == [None, "role_cycle"]


def test_keys_that_are_added_side_by_side_reach_the_heirs_together(transactional_alpha):
    with site_context(transactional_alpha):
        role = services.create_role(key="clerk", name="Clerk", description="", permissions=[], **BY)
        heir = services.create_role(key="heir", name="Heir", description="", permissions=[], parent=role, **BY)
    keys = ["order.read", "user.read", "billing.read", "server.read"]

    acts = [lambda key=key: services.give_permissions(role=role, permissions=[key], **BY) for key in keys]
    assert side_by_side(transactional_alpha, *acts) == [None] * 4

    with site_context(transactional_alpha):
        held = RolePermission.objects.filter(role=heir, inherited=True).values_list("permission_id", flat=True)
        assert sorted(held) == sorted(keys)


def test_somebody_is_placed_while_the_position_gets_another_role(transactional_alpha):
    """Whichever comes first, they hold the role that the position gives at the end, and no other."""
    with site_context(transactional_alpha):
        user = User.objects.create_user(email="ann@example.com", password=None)
        Membership.objects.create(user=user)
        department = Department.objects.get(code="SUPPORT")
        position = Position.objects.select_related("role").get(key="support_agent")
        member = services.add_member(department=department, user=user, **BY)
        rows = Position.objects.filter(department=department).select_related("role")
        wanted = [WantedPosition(row.key, row.name, row.role) for row in rows if row.pk != position.pk]
        wanted.append(WantedPosition("support_agent", "Agent", Role.objects.get(key="developer")))

    outcomes = side_by_side(
        transactional_alpha,
        lambda: services.place_member(member=member, position=position, **BY),
        lambda: services.update_department(department=department, positions=wanted, **BY),
    )

    assert outcomes == [None, None]
    with site_context(transactional_alpha):
        assert DepartmentMember.objects.get().position.role.key == "developer"
        assert list(UserRole.objects.values_list("role__key", flat=True)) == ["developer"]


def test_a_role_is_taken_back_once(transactional_alpha):
    with site_context(transactional_alpha):
        user = User.objects.create_user(email="ann@example.com", password=None)
        Membership.objects.create(user=user)
        given = services.assign_role(user=user, role=Role.objects.get(key="developer"), **BY)

    outcomes = side_by_side(
        transactional_alpha, *[lambda: services.revoke_role(assignment=UserRole(**vars_of(given)), **BY)] * 2
    )

    assert sorted(outcomes, key=str) == [None, "not_found"]


def vars_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.local_fields}
