"""Departments and their positions."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import Conflict, Denied, Invalid, NotFound
from apps.rbac.access import Access
from apps.rbac.departments import chain, shape
from apps.rbac.models import Department, DepartmentMember, Position, Role, Scope, UserRole
from apps.rbac.services.assignments import assign_role, take_back
from apps.rbac.services.guards import check_holds, keys_of, lock_site

CREATE_KEYS, UPDATE_KEYS = ("department.create",), ("department.update", "department.manage")


@dataclass(frozen=True)
class WantedPosition:
    key: str
    name: str
    role: Role


@transaction.atomic
def create_department(
    *, code: str, name: str, purpose: str, actor: Any, access: Access | None, parent: Department | None = None,
    head: Any = None, positions: Iterable[WantedPosition] = (), reason: str = "",
) -> Department:  # fmt: skip
    """Raises Conflict (code taken), NotFound (the head is no member of the site), Invalid (a position named twice), Denied (the
    actor works for another part)."""
    lock_site()
    _check_reach(parent, access, CREATE_KEYS)
    _check_head(head)
    try:
        with transaction.atomic():
            department = Department.objects.create(code=code, name=name, purpose=purpose, parent=parent, head=head)
    except IntegrityError as error:
        raise Conflict("department_exists", "There is a department with this code.", field="code") from error
    _set_positions(department, list(positions), actor, access)
    audit.record(actor=actor, action="department.created", target=department, after=_facts(department), reason=reason)
    return department


@transaction.atomic
def update_department(
    *, department: Department, actor: Any, access: Access | None, name: str | None = None, purpose: str | None = None,
    parent: Department | EllipsisType | None = ..., head: Any = ..., positions: Iterable[WantedPosition] | None = None,
    reason: str = "",
) -> Department:  # fmt: skip
    """Its code stays. `positions` replaces all of them: whoever is in one whose role changes holds the new one.

    Raises Invalid (department_cycle), NotFound (head), Conflict (position_in_use), Denied (a role the actor may not give).
    """
    lock_site()
    department = Department.objects.get(pk=department.pk)
    before = _facts(department)
    if not isinstance(parent, EllipsisType):
        if parent is not None and department.pk in chain(parent.pk, shape()):
            raise Invalid("department_cycle", "That department is below this one.", field="parent_id")
        if department.parent_id != (parent.pk if parent is not None else None):
            _check_reach(parent, access, UPDATE_KEYS)
        department.parent = parent
    if head is not ...:
        _check_head(head)
        department.head = head
    department.name = name if name is not None else department.name
    department.purpose = purpose if purpose is not None else department.purpose
    department.save(update_fields=["name", "purpose", "parent", "head"])
    if positions is not None:
        _set_positions(department, list(positions), actor, access)
    after = _facts(department)
    if before != after:
        audit.record(
            actor=actor, action="department.changed", target=department, before=before, after=after, reason=reason
        )
    return department


@transaction.atomic
def delete_department(*, department: Department, actor: Any, reason: str = "") -> None:
    """Raises Conflict department_in_use: it has members or departments below it, or a role is held for it."""
    lock_site()
    if DepartmentMember.objects.filter(department=department).exists():
        raise Conflict("department_in_use", "It has members. Take them out first.")
    if Department.objects.filter(parent=department).exists():
        raise Conflict("department_in_use", "There are departments below it. Move them first.")
    if UserRole.objects.filter(scope=Scope.DEPARTMENT, scope_id=department.pk).exists():
        raise Conflict("department_in_use", "Somebody holds a role for it. Take that back first.")
    audit.record(actor=actor, action="department.deleted", target=department, before=_facts(department), reason=reason)
    Position.objects.filter(department=department).delete()
    department.delete()


def _check_reach(parent: Department | None, access: Access | None, keys: tuple[str, ...]) -> None:
    """Who works for one department puts others below that one only."""
    reach = access.departments(*keys) if access is not None else None
    if reach is not None and (parent is None or parent.pk not in reach):
        raise Denied(message="Your role is for one department. Choose that, or one below it, as the one above.")


def _check_head(head: Any) -> None:
    members: Any = get_user_model()._default_manager
    if head is not None and not members.members().filter(pk=head.pk).exists():
        raise NotFound(message="No member of this site has this id.", field="head_id")


def _set_positions(
    department: Department, wanted: list[WantedPosition], actor: Any, access: Access | None
) -> None:  # fmt: skip
    keys = [item.key for item in wanted]
    if len(set(keys)) != len(keys):
        raise Invalid("invalid", "Every position has a key of its own.", field="positions")
    present = {
        position.key: position for position in Position.objects.filter(department=department).select_related("role")
    }
    for key, position in present.items():
        if key not in keys:
            if DepartmentMember.objects.filter(position=position).exists():
                raise Conflict("position_in_use", f"Somebody is {position.name}. Place them elsewhere first.")
            position.delete()
    for item in wanted:
        if item.key not in present:
            check_holds(keys_of(item.role), access)
            Position.objects.create(department=department, key=item.key, name=item.name, role=item.role)
        else:
            _change_position(present[item.key], item, actor, access)


def _change_position(position: Position, wanted: WantedPosition, actor: Any, access: Access | None) -> None:
    if (position.name, position.role_id) == (wanted.name, wanted.role.pk):
        return
    moved = position.role_id != wanted.role.pk
    if moved:
        check_holds({*keys_of(position.role), *keys_of(wanted.role)}, access)
    position.name, position.role = wanted.name, wanted.role
    position.save(update_fields=["name", "role"])
    if not moved:
        return
    for member in DepartmentMember.objects.filter(position=position).select_related("user"):
        for assignment in UserRole.objects.filter(member=member).select_related("role"):
            take_back(assignment, actor=actor, access=access)
        assign_role(user=member.user, role=wanted.role, member=member, actor=actor, access=access)


def _facts(department: Department) -> dict[str, Any]:
    """What the audit keeps of a department."""
    positions = Position.objects.filter(department=department).select_related("role")
    return {
        "code": department.code, "name": department.name, "purpose": department.purpose,
        "parent": department.parent.code if department.parent is not None else None,
        "head": str(department.head_id) if department.head_id else None,
        "positions": {position.key: [position.name, position.role.key] for position in positions},
    }  # fmt: skip
