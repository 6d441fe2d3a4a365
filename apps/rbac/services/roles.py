"""Roles and what they hold."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from types import EllipsisType
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid, NotFound
from apps.rbac import catalogue
from apps.rbac.access import Access
from apps.rbac.departments import chain
from apps.rbac.models import Position, Role, RolePermission, UserRole
from apps.rbac.services.guards import check_holds, keys_of, lock_site
from apps.rbac.services.inheritance import heirs_of, parents, people_of, spread


@transaction.atomic
def create_role(
    *, key: str, name: str, description: str, permissions: Iterable[str], actor: Any, access: Access | None,
    parent: Role | None = None,
) -> Role:  # fmt: skip
    """A role of the site's own. Raises Conflict (key taken), Denied (a key the actor lacks), Invalid (unknown key)."""
    keys = known(permissions)
    lock_site()
    above = keys_of(parent) if parent is not None else []
    check_holds({*keys, *above}, access)
    try:
        with transaction.atomic():
            role = Role.objects.create(key=key, name=name, description=description, parent=parent)
    except IntegrityError as error:
        raise Conflict("role_exists", "There is a role with this key.", field="key") from error
    _store(role, keys, above)
    audit.record(actor=actor, action="role.created", target=role, after=_facts(role))
    return role


@transaction.atomic
def update_role(
    *, role: Role, actor: Any, access: Access | None, name: str | None = None, description: str | None = None,
    parent: Role | EllipsisType | None = ..., permissions: Iterable[str] | None = None, reason: str = "",
    expected: str = "", action: str = "role.changed",
) -> Role:  # fmt: skip
    """Change what is given. What the parent holds is not stored again as the role's own.

    `expected` is the `fingerprint` of what the actor saw. Raises Conflict (system_role, or changed_meanwhile), Denied (a key that
    comes or goes is not the actor's to give), Invalid (unknown key, role_cycle).
    """
    lock_site()
    role = Role.objects.select_related("parent").get(pk=role.pk)
    _check_changeable(role)
    before = _facts(role)
    if expected and fingerprint(role) != expected:
        raise Conflict("changed_meanwhile", "Somebody has changed this role since you looked. Look again.")
    wanted = known(permissions) if permissions is not None else own_keys(role)
    if not isinstance(parent, EllipsisType):
        _check_parent(role, parent)
        role.parent = parent
    above = keys_of(role.parent) if role.parent is not None else []
    check_holds({*before["permissions"]} ^ {*wanted, *above}, access)
    role.name = name if name is not None else role.name
    role.description = description if description is not None else role.description
    role.save(update_fields=["name", "description", "parent"])
    _store(role, wanted, above)
    after = _facts(role)
    if before != after:
        changed = {field for field in before if before[field] != after[field]}
        audit.record(
            actor=actor, action=action, target=role, before={field: before[field] for field in sorted(changed)},
            after={field: after[field] for field in sorted(changed)}, reason=reason,
        )  # fmt: skip
    return role


def set_role_permissions(*, role: Role, permissions: Iterable[str], actor: Any, access: Access | None) -> Role:
    """Replace what a role holds of its own. Raises as `update_role` does."""
    return update_role(
        role=role, permissions=permissions, actor=actor, access=access, action="role.permissions_set"
    )  # fmt: skip


@transaction.atomic
def give_permissions(*, role: Role, permissions: Iterable[str], actor: Any, access: Access | None) -> Role:
    """Add keys to a role; those it has stay. Raises as `update_role` does."""
    lock_site()
    return set_role_permissions(role=role, permissions={*own_keys(role), *permissions}, actor=actor, access=access)


@transaction.atomic
def take_permission(*, role: Role, permission: str, actor: Any, access: Access | None) -> Role:
    """Take one key from a role. Raises NotFound (no such key), Conflict permission_inherited, and as `update_role` does."""
    lock_site()
    _check_changeable(role)
    own = own_keys(role)
    if permission not in own:
        if permission in keys_of(role):
            message = "This key comes from the role it takes over from. Take it there, or choose another."
            raise Conflict("permission_inherited", message)
        raise NotFound()
    return set_role_permissions(role=role, permissions={*own} - {permission}, actor=actor, access=access)


@transaction.atomic
def delete_role(*, role: Role, actor: Any, access: Access | None = None, reason: str = "") -> None:
    """Raises Conflict: a system role, or one that somebody, a position or another role needs. Denied: it holds what the actor
    lacks."""
    lock_site()
    _check_changeable(role)
    check_holds(keys_of(role), access)
    if UserRole.objects.filter(role=role).exists():
        raise Conflict("role_in_use", "Somebody holds this role. Take it back first.")
    if Role.objects.filter(parent=role).exists():
        raise Conflict("role_in_use", "Other roles take over from this one.")
    if Position.objects.filter(role=role).exists():
        raise Conflict("role_in_use", "A position in a department gives this role.")
    audit.record(actor=actor, action="role.deleted", target=role, before=_facts(role), reason=reason)
    role.delete()


@dataclass(frozen=True)
class RoleDiff:
    """What a change would do, and to how many people who hold the role or one that takes over from it."""

    added: list[str]
    removed: list[str]
    heirs: list[Role]
    people: int


def preview_role(
    *, role: Role, actor: Any, access: Access | None, name: str, description: str, parent: Role | None,
    permissions: Iterable[str],
) -> RoleDiff:  # fmt: skip
    """Does it and undoes it, so that the preview is refused by what would refuse the change. Raises as `update_role` does."""
    before, heirs = set(keys_of(role)), heirs_of(role.pk) - {role.pk}
    with transaction.atomic():
        changed = update_role(
            role=role, actor=actor, access=access, name=name, description=description, parent=parent,
            permissions=permissions,
        )  # fmt: skip
        after = set(keys_of(changed))
        transaction.set_rollback(True)
    found = list(Role.objects.filter(pk__in=heirs).order_by("name"))
    return RoleDiff(sorted(after - before), sorted(before - after), found, people_of(role.pk))


def fingerprint(role: Role) -> str:
    """Changes with anything that a change of the role would be measured against."""
    seen = {**_facts(role), "own": own_keys(role)}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def own_keys(role: Role) -> list[str]:
    """What was given to the role itself, sorted."""
    own = RolePermission.objects.filter(role=role, inherited=False).order_by("permission_id")
    return list(own.values_list("permission_id", flat=True))


def known(keys: Iterable[str]) -> list[str]:
    """Sorted and each once. Raises Invalid permission_unknown."""
    wanted = sorted(set(keys))
    unknown = [key for key in wanted if key not in catalogue.ALL_KEYS]
    if unknown:
        raise Invalid("permission_unknown", f"No permission is called {unknown[0]}.", field="permissions")
    return wanted


def _check_changeable(role: Role) -> None:
    if role.is_system:
        raise Conflict("system_role", "System roles are the same at every site and never change.")


def _check_parent(role: Role, parent: Role | None) -> None:
    ancestors: list[UUID] = chain(parent.pk, parents()) if parent is not None else []
    if role.pk in ancestors:
        raise Invalid("role_cycle", "That role takes over from this one already.", field="parent_id")


def _store(role: Role, wanted: Iterable[str], above: Iterable[str]) -> None:
    """The role's own rows, without what the parent holds; and what follows for its heirs."""
    keep, held = {*wanted} - {*above}, set(own_keys(role))
    RolePermission.objects.filter(role=role, inherited=False, permission_id__in=held - keep).delete()
    RolePermission.objects.bulk_create([RolePermission(role=role, permission_id=key) for key in sorted(keep - held)])
    spread()


def _facts(role: Role) -> dict[str, Any]:
    """What the audit keeps of a role."""
    return {
        "key": role.key, "name": role.name, "description": role.description,
        "parent": role.parent.key if role.parent is not None else None, "permissions": keys_of(role),
    }  # fmt: skip
