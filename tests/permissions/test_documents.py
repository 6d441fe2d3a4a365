"""H1-H3, A1: what a new site is given, against tables typed from the documents. Both directions, so nothing is added either."""

import csv
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.audit.services import SYSTEM
from apps.rbac import services
from apps.rbac.models import Department, DepartmentMember, Permission, Position, Role, RolePermission

DOCUMENTS = Path(__file__).resolve().parent / "documents"


def rows(name):
    with (DOCUMENTS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written_keys():
    by_resource = {
        f"{row['resource']}.{action}" for row in rows("resources") for action, mark in row.items() if mark == "x"
    }
    return by_resource, by_resource | {row["key"] for row in rows("other_permissions")}


def written_roles():
    """{role: keys}. `*.read` is that action on every resource of the matrix, `all of x` what the document calls so."""
    by_resource, everything = written_keys()
    found = {}
    for row in rows("roles"):
        keys = found.setdefault(row["role"], set())
        what = row["holds"]
        if what == "everything":
            keys |= everything
        elif what.startswith("all of "):
            keys |= found[what.removeprefix("all of ")]
        elif what.startswith("*."):
            keys |= {key for key in by_resource if key.endswith(what[1:])}
        else:
            keys.add(what)
    return found


def test_the_tables_are_as_long_as_the_documents():
    by_resource, everything = written_keys()
    assert (len(rows("departments")), len(rows("positions")), len(by_resource), len(everything)) == (9, 31, 72, 82)
    assert len(written_roles()) == 11


@pytest.mark.django_db
def test_permissions_are_the_documents():
    assert set(Permission.objects.values_list("key", flat=True)) == written_keys()[1]


def test_system_roles_hold_exactly_what_the_documents_say(site):
    held = {role.key: set() for role in Role.objects.filter(is_system=True)}
    stored = RolePermission.objects.filter(role__is_system=True)
    for role, key in stored.values_list("role__key", "permission_id"):
        held[role].add(key)

    assert held == written_roles()


def test_all_permissions_of_another_role_are_inherited(site):
    """As the documents put it: the two roles that hold "all of" another take over from it, and repeat nothing."""
    parents = {row["role"]: row["holds"].removeprefix("all of ") for row in rows("roles") if "all of " in row["holds"]}
    assert parents == dict(Role.objects.filter(is_system=True, parent__isnull=False).values_list("key", "parent__key"))
    for role, parent in parents.items():
        own = {row["holds"] for row in rows("roles") if row["role"] == role and "all of " not in row["holds"]}
        stored = RolePermission.objects.filter(role__key=role)
        assert set(stored.filter(inherited=False).values_list("permission_id", flat=True)) == own
        assert set(stored.filter(inherited=True).values_list("permission_id", flat=True)) == written_roles()[parent]


def test_departments_are_the_documents(site):
    written = {(row["code"], row["name"], row["purpose"]) for row in rows("departments")}

    assert set(Department.objects.values_list("code", "name", "purpose")) == written


def test_positions_are_the_documents_and_each_has_a_role_with_permissions(site):
    written = {(row["department"], row["position"]) for row in rows("positions")}
    stored = Position.objects.select_related("department", "role")

    assert {(position.department.code, position.name) for position in stored} == written
    for position in stored:
        assert RolePermission.objects.filter(role=position.role).exists(), position


def test_a_position_named_like_a_system_role_has_it(site):
    """Support Manager, Support Agent, Sales Executive, Affiliate, Finance and Payout Manager, Billing Specialist."""
    system = set(Role.objects.filter(is_system=True).values_list("key", flat=True))
    for position in Position.objects.select_related("role"):
        if position.key in system:
            assert position.role.key == position.key


def test_seeding_again_changes_nothing_and_keeps_what_the_site_made_of_it(site):
    role = Role.objects.get(key="accountant")
    services.update_role(role=role, name="Bookkeeper", permissions=["billing.read"], actor=SYSTEM, access=None)
    department = Department.objects.get(code="QA")
    services.update_department(department=department, name="Testing", actor=SYSTEM, access=None, positions=[])
    before = [list(model.objects.order_by("pk").values()) for model in (Role, RolePermission, Department, Position)]

    services.seed_roles(site.pk)
    services.seed_departments(site.pk)
    call_command("seed_rbac", verbosity=0)

    assert [
        list(model.objects.order_by("pk").values()) for model in (Role, RolePermission, Department, Position)
    ] == before
    assert not DepartmentMember.objects.exists()
