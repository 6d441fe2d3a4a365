"""Roles and assignments: every write."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import Conflict, Denied, Invalid, NotFound
from apps.rbac import catalogue
from apps.rbac.access import Access
from apps.rbac.models import Permission, PlatformRole, Role, RolePermission, Scope, UserRole


def seed_permissions(*, using: str = "default") -> int:
    """Write the catalogue's keys. Runs as the owner after migrate; idempotent."""
    rows = []
    for key in catalogue.ALL_KEYS:
        resource, action = catalogue.split(key)
        rows.append(Permission(key=key, resource=resource, action=action, name=catalogue.title(key)))
    return len(Permission.objects.using(using).bulk_create(rows, ignore_conflicts=True))


@transaction.atomic
def seed_roles(site_id: UUID) -> None:
    """The eleven system roles with exactly their keys, at one site. Idempotent: a key that should not be there goes."""
    for system in catalogue.SYSTEM_ROLES:
        role, _ = Role.objects.update_or_create(
            site_id=site_id,
            key=system.key,
            defaults={"name": system.name, "description": system.description, "is_system": True},
        )
        held = set(RolePermission.objects.filter(role=role).values_list("permission_id", flat=True))
        RolePermission.objects.filter(role=role, permission_id__in=held - system.permissions).delete()
        missing = sorted(system.permissions - held)
        RolePermission.objects.bulk_create([RolePermission(role=role, permission_id=key) for key in missing])


@transaction.atomic
def assign_role(
    *, user: Any, role: Role, actor: Any, access: Access | None, scope: str = Scope.SITE, scope_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> UserRole:  # fmt: skip
    """Give a role. `access` is the giver's, None for the system itself. Raises Denied (lacks a key), Conflict (has it)."""
    if access is not None:
        _check_may_grant(role, access)
    if scope in (Scope.DEPARTMENT, Scope.ENTERPRISE) and scope_id is None:
        raise Invalid("invalid", "Name the department or enterprise.", field="scope")
    try:
        with transaction.atomic():
            assignment = UserRole.objects.create(
                user=user, role=role, scope=scope, scope_id=scope_id, expires_at=expires_at,
                granted_by_id=actor.actor_id if actor.actor_kind == "user" else None,
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict("role_held", "They hold this role already.") from error
    audit.record(actor=actor, action="role.assigned", target=assignment, after={"role": role.key, "scope": scope,
                 "user": str(user.pk)})  # fmt: skip
    return assignment


def give_affiliate_role(*, user: Any) -> None:
    """What every partner holds from registration on. Not audited: it is part of becoming a partner."""
    role = Role.objects.get(key=catalogue.AFFILIATE)
    # A conflict is somebody who has it already. One statement, where get_or_create takes four.
    UserRole.objects.bulk_create([UserRole(user=user, role=role, scope=Scope.OWN)], ignore_conflicts=True)


@transaction.atomic
def revoke_role(*, assignment: UserRole, actor: Any, access: Access) -> None:
    """Take a role back. Raises Denied when the actor lacks a key of it."""
    _check_may_grant(assignment.role, access)
    audit.record(actor=actor, action="role.revoked", target=assignment, before={"role": assignment.role.key,
                 "user": str(assignment.user_id)})  # fmt: skip
    assignment.delete()


@transaction.atomic
def grant_platform_role(*, user: Any, role_key: str, actor: Any, access: Access | None) -> PlatformRole:
    """A role at every site. Raises Denied unless the actor holds a platform role, NotFound for an unknown key."""
    if access is not None and not access.platform:
        raise Denied(message="Only a platform role can give a platform role.")
    if role_key not in {role.key for role in catalogue.SYSTEM_ROLES}:
        raise NotFound()
    granted, _ = PlatformRole.objects.get_or_create(user=user, role_key=role_key)
    return granted


@transaction.atomic
def create_role(
    *, key: str, name: str, description: str, permissions: Iterable[str], actor: Any, access: Access
) -> Role:
    """A role of the site's own. Raises Conflict (key taken), Denied (a key the actor lacks), Invalid (unknown key)."""
    keys = _known(permissions)
    _check_holds(keys, access)
    try:
        with transaction.atomic():
            role = Role.objects.create(key=key, name=name, description=description)
    except IntegrityError as error:
        raise Conflict("role_exists", "There is a role with this key.", field="key") from error
    RolePermission.objects.bulk_create([RolePermission(role=role, permission_id=permission) for permission in keys])
    audit.record(actor=actor, action="role.created", target=role, after={"permissions": keys})
    return role


@transaction.atomic
def set_role_permissions(*, role: Role, permissions: Iterable[str], actor: Any, access: Access) -> Role:
    """Replace what a role holds. Raises Conflict (system role), Denied, Invalid."""
    _check_changeable(role)
    wanted = _known(permissions)
    held = sorted(RolePermission.objects.filter(role=role).values_list("permission_id", flat=True))
    _check_holds({*wanted} ^ {*held}, access)
    RolePermission.objects.filter(role=role).exclude(permission_id__in=wanted).delete()
    new = [RolePermission(role=role, permission_id=key) for key in wanted if key not in held]
    RolePermission.objects.bulk_create(new)
    audit.record(
        actor=actor,
        action="role.permissions_set",
        target=role,
        before={"permissions": held},
        after={"permissions": wanted},
    )
    return role


@transaction.atomic
def delete_role(*, role: Role, actor: Any) -> None:
    """Raises Conflict: a system role, or one somebody holds."""
    _check_changeable(role)
    if UserRole.objects.filter(role=role).exists():
        raise Conflict("role_in_use", "Somebody holds this role. Take it back first.")
    audit.record(actor=actor, action="role.deleted", target=role, before={"key": role.key})
    role.delete()


def _check_changeable(role: Role) -> None:
    if role.is_system:
        raise Conflict("system_role", "System roles are the same at every site and never change.")


def _known(keys: Iterable[str]) -> list[str]:
    wanted = sorted(set(keys))
    unknown = [key for key in wanted if key not in catalogue.ALL_KEYS]
    if unknown:
        raise Invalid("permission_unknown", f"No permission is called {unknown[0]}.", field="permissions")
    return wanted


def _check_may_grant(role: Role, access: Access) -> None:
    _check_holds(list(RolePermission.objects.filter(role=role).values_list("permission_id", flat=True)), access)


def _check_holds(keys: Iterable[str], access: Access) -> None:
    lacking = sorted(key for key in keys if not access.at_site(key))
    if lacking:
        raise Denied(message=f"You can't give what you don't hold: {', '.join(lacking[:3])}.", lacking=lacking)
