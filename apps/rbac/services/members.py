"""Who is in which department, and in which position. The position's role comes and goes with it."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid, NotFound
from apps.rbac.access import Access
from apps.rbac.models import Department, DepartmentMember, Position, UserRole
from apps.rbac.services.assignments import assign_role, take_back
from apps.rbac.services.guards import lock_site


@transaction.atomic
def add_member(
    *, department: Department, user: Any, actor: Any, access: Access | None, position: Position | None = None,
    reason: str = "",
) -> DepartmentMember:  # fmt: skip
    """Raises NotFound (no member of the site), Conflict (in it already), Invalid (another department's position), Denied (a
    position whose role the actor may not give)."""
    lock_site()
    members: Any = get_user_model()._default_manager
    if not members.members().filter(pk=user.pk).exists():
        raise NotFound(message="No member of this site has this id.", field="user_id")
    position = _now(department, position)
    try:
        with transaction.atomic():
            member = DepartmentMember.objects.create(department=department, user=user, position=position)
    except IntegrityError as error:
        raise Conflict("member_exists", "They are in this department already.", field="user_id") from error
    if position is not None:
        assign_role(user=user, role=position.role, member=member, actor=actor, access=access, reason=reason)
    audit.record(actor=actor, action="department.member_added", target=department, after=_facts(member), reason=reason)
    return member


@transaction.atomic
def place_member(
    *, member: DepartmentMember, position: Position | None, actor: Any, access: Access | None, reason: str = ""
) -> DepartmentMember:
    """Into another position, or none. Raises as `add_member` and `remove_member` do."""
    member = _locked(member)
    position = _now(member.department, position)
    if member.position_id == (position.pk if position is not None else None):
        return member
    before = _facts(member)
    _take_roles(member, actor, access, reason)
    member.position = position
    member.save(update_fields=["position"])
    if position is not None:
        assign_role(user=member.user, role=position.role, member=member, actor=actor, access=access, reason=reason)
    audit.record(
        actor=actor, action="department.member_placed", target=member.department, before=before, after=_facts(member),
        reason=reason,
    )  # fmt: skip
    return member


@transaction.atomic
def remove_member(*, member: DepartmentMember, actor: Any, access: Access | None, reason: str = "") -> None:
    """Raises Denied (a position whose role the actor may not take), Conflict last_super_admin."""
    member = _locked(member)
    before = _facts(member)
    _take_roles(member, actor, access, reason)
    audit.record(
        actor=actor, action="department.member_removed", target=member.department, before=before, reason=reason
    )
    member.delete()


def _locked(member: DepartmentMember) -> DepartmentMember:
    """As it is now that the site's lock is ours, which whoever changes positions holds as well. Raises NotFound."""
    lock_site()
    rows = DepartmentMember.objects.select_related("department", "user", "position")
    found = rows.filter(pk=member.pk).first()
    if found is None:
        raise NotFound()
    return found


def _take_roles(member: DepartmentMember, actor: Any, access: Access | None, reason: str) -> None:
    for assignment in UserRole.objects.filter(member=member).select_related("role"):
        take_back(assignment, actor=actor, access=access, reason=reason)


def _now(department: Department, position: Position | None) -> Position | None:
    """The position with the role it gives now. Raises Invalid position_unknown."""
    if position is None:
        return None
    found = Position.objects.select_related("role").filter(department=department, pk=position.pk).first()
    if found is None:
        raise Invalid("position_unknown", "This department has no such position.", field="position")
    return found


def _facts(member: DepartmentMember) -> dict[str, Any]:
    """What the audit keeps of a membership."""
    position = member.position.key if member.position is not None else None
    return {"user": str(member.user_id), "position": position}
