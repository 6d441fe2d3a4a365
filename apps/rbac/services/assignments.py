"""Who holds which role, where and until when."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import EllipsisType
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core.errors import Conflict, Denied, Invalid, NotFound
from apps.core.moments import LATEST
from apps.rbac import catalogue, scopes
from apps.rbac.access import Access
from apps.rbac.models import DepartmentMember, PlatformRole, Role, Scope, UserRole
from apps.rbac.services.guards import check_may_give, check_not_the_last, keys_of, lock_platform, lock_site

Assignment = UserRole | PlatformRole
Kind = TypeVar("Kind", UserRole, PlatformRole)


@transaction.atomic
def assign_role(
    *, user: Any, role: Role, actor: Any, access: Access | None, scope: str = Scope.SITE, scope_id: UUID | None = None,
    expires_at: datetime | None = None, member: DepartmentMember | None = None, reason: str = "",
) -> UserRole:  # fmt: skip
    """Give a role at this site. `access` is the giver's, None for the system itself. One that has ended is given anew.

    Raises Denied (lacks a key), Conflict (has it), Invalid (scope, expires_in_past), NotFound (department or enterprise).
    """
    scope_id = _check_scope(scope, scope_id)
    _check_expiry(expires_at)
    check_may_give(keys_of(role), access, scope=scope, scope_id=scope_id, user_id=user.pk)
    same = {"user": user, "role": role, "scope": scope, "scope_id": scope_id, "member": member}
    UserRole.objects.filter(**same, expires_at__lte=timezone.now()).delete()
    with _held_once():
        assignment: UserRole = UserRole.objects.create(**same, expires_at=expires_at, granted_by_id=_giver(actor))
    audit.record(actor=actor, action="role.assigned", target=assignment, after=_facts(assignment), reason=reason)
    return assignment


def give_affiliate_role(*, user: Any) -> None:
    """What every partner holds from registration on. Not audited: it is part of becoming a partner."""
    role = Role.objects.get(key=catalogue.AFFILIATE)
    # A conflict is somebody who has it already. One statement, where get_or_create takes four.
    UserRole.objects.bulk_create([UserRole(user=user, role=role, scope=Scope.OWN)], ignore_conflicts=True)


@transaction.atomic
def change_assignment(
    *, assignment: Assignment, actor: Any, access: Access | None, role: Role | None = None, scope: str = "",
    scope_id: UUID | None = None, expires_at: datetime | EllipsisType | None = ..., reason: str = "",
) -> Assignment:  # fmt: skip
    """Another role, scope or end. What goes and what comes must both be the actor's to give.

    Raises as `assign_role` and `revoke_role` do. A role at every site only takes another end.
    """
    if isinstance(assignment, PlatformRole):
        if role is not None or scope not in ("", Scope.PLATFORM):
            raise _give_anew("A role at every site can't be changed to one here.")
        return _change_end(assignment, actor, access, expires_at, reason)
    if scope == Scope.PLATFORM:
        raise _give_anew("A role here can't be changed to one at every site.")
    lock_site()
    assignment = _again(assignment)
    _check_not_of_position(assignment)
    _check_may(assignment, access)
    before = _facts(assignment)
    wanted_role = role or assignment.role
    kind, target = (scope, _check_scope(scope, scope_id)) if scope else (assignment.scope, assignment.scope_id)
    end = assignment.expires_at if isinstance(expires_at, EllipsisType) else expires_at
    if end != assignment.expires_at:
        _check_expiry(end)
    check_may_give(keys_of(wanted_role), access, scope=kind, scope_id=target, user_id=assignment.user_id)
    if wanted_role.pk != assignment.role_id or kind != Scope.SITE or end is not None:
        check_not_the_last(assignment)
    assignment.role, assignment.scope, assignment.scope_id, assignment.expires_at = wanted_role, kind, target, end
    with _held_once():
        assignment.save(update_fields=["role", "scope", "scope_id", "expires_at"])
    _record_change(assignment, before, actor, reason)
    return assignment


def _change_end(
    granted: PlatformRole, actor: Any, access: Access | None, expires_at: datetime | EllipsisType | None, reason: str
) -> PlatformRole:
    lock_platform()
    granted = _again(granted)
    _check_may(granted, access)
    end = granted.expires_at if isinstance(expires_at, EllipsisType) else expires_at
    if end == granted.expires_at:
        return granted
    _check_expiry(end)
    if end is not None:
        check_not_the_last(granted)
    before = _facts(granted)
    granted.expires_at = end
    granted.save(update_fields=["expires_at"])
    _record_change(granted, before, actor, reason)
    return granted


@transaction.atomic
def revoke_role(*, assignment: Assignment, actor: Any, access: Access | None, reason: str = "") -> None:
    """Take a role back. Raises Denied (the actor lacks a key of it), Conflict (last_super_admin, from_position)."""
    if isinstance(assignment, UserRole):
        _check_not_of_position(assignment)
    take_back(assignment, actor=actor, access=access, reason=reason)


def take_back(assignment: Assignment, *, actor: Any, access: Access | None, reason: str = "") -> None:
    """What revoking and leaving a position have in common."""
    _check_may(assignment, access)
    check_not_the_last(assignment)
    gone, _ = type(assignment)._default_manager.filter(pk=assignment.pk).delete()
    if not gone:  # by somebody who was faster
        raise NotFound()
    audit.record(actor=actor, action="role.revoked", target=assignment, before=_facts(assignment), reason=reason)


@transaction.atomic
def grant_platform_role(
    *, user: Any, role_key: str, actor: Any, access: Access | None, expires_at: datetime | None = None, reason: str = ""
) -> PlatformRole:
    """A system role at every site; again is once. Raises Denied unless the actor holds its keys at every site, NotFound for an
    unknown key, Invalid expires_in_past."""
    if access is not None and not access.platform:
        raise Denied(message="Only a platform role can give a platform role.")
    system = next((role for role in catalogue.SYSTEM_ROLES if role.key == role_key), None)
    if system is None:
        raise NotFound(message="Only system roles are the same at every site.", field="role")
    check_may_give(system.permissions, access, scope=Scope.PLATFORM, scope_id=None, user_id=user.pk)
    _check_expiry(expires_at)
    PlatformRole.objects.filter(user=user, role_key=role_key, expires_at__lte=timezone.now()).delete()
    wanted = {"expires_at": expires_at, "granted_by_id": _giver(actor)}
    granted, made = PlatformRole.objects.get_or_create(user=user, role_key=role_key, defaults=wanted)
    if made and access is not None:
        audit.record(actor=actor, action="role.assigned", target=granted, after=_facts(granted), reason=reason)
    return granted


@contextmanager
def _held_once() -> Iterator[None]:
    """A role is held once for each scope, and once through each position. Raises Conflict role_held."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Conflict("role_held", "They hold this role already.") from error


def _again(assignment: Kind) -> Kind:
    """As it is now that the lock is ours. Raises NotFound when somebody was faster."""
    found = type(assignment)._default_manager.filter(pk=assignment.pk).first()
    if found is None:
        raise NotFound()
    return found


def _record_change(assignment: Assignment, before: dict[str, Any], actor: Any, reason: str) -> None:
    after = _facts(assignment)
    audit.record(actor=actor, action="role.reassigned", target=assignment, before=before, after=after, reason=reason)


def _give_anew(message: str) -> Invalid:
    return Invalid("invalid", f"{message} Give that one anew.", field="scope")


def _giver(actor: Any) -> UUID | None:
    found: UUID | None = actor.actor_id if actor.actor_kind == "user" else None
    return found


def _check_scope(scope: str, scope_id: UUID | None) -> UUID | None:
    """What is stored as scope_id."""
    if scope not in Scope.values or scope == Scope.PLATFORM:
        raise Invalid("invalid", f"No scope is called {scope}.", field="scope")
    if not scopes.targeted(scope):
        if scope_id is not None:
            raise Invalid("invalid", "This scope names no department or enterprise.", field="scope")
        return None
    if scope_id is None:
        raise Invalid("invalid", "Name the department or enterprise.", field="scope")
    if not scopes.exists(scope, scope_id):
        raise NotFound(message=f"No {scope} has this id.", field="scope")
    return scope_id


def _check_expiry(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("expires_in_past", "Choose a time that is still to come.", field="expires_at")
    if expires_at is not None and expires_at >= LATEST:
        raise Invalid("invalid", "Choose a time before the year 2200.", field="expires_at")


def _check_not_of_position(assignment: UserRole) -> None:
    if assignment.member_id is not None:
        message = "This role comes with a position. Change the position in its department."
        raise Conflict("from_position", message)


def _check_may(assignment: Assignment, access: Access | None) -> None:
    if isinstance(assignment, PlatformRole):
        keys = next(
            (role.permissions for role in catalogue.SYSTEM_ROLES if role.key == assignment.role_key), frozenset()
        )
        check_may_give(keys, access, scope=Scope.PLATFORM, scope_id=None, user_id=assignment.user_id)
        return
    check_may_give(
        keys_of(assignment.role),
        access,
        scope=assignment.scope,
        scope_id=assignment.scope_id,
        user_id=assignment.user_id,
    )


def _facts(assignment: Assignment) -> dict[str, Any]:
    """What the audit keeps of an assignment."""
    end = assignment.expires_at.isoformat() if assignment.expires_at else None
    found: dict[str, Any] = {"user": str(assignment.user_id), "expires_at": end}
    if isinstance(assignment, PlatformRole):
        return found | {"role": assignment.role_key, "scope": Scope.PLATFORM.value}
    target = str(assignment.scope_id) if assignment.scope_id else None
    return found | {"role": assignment.role.key, "scope": assignment.scope, "scope_id": target}
