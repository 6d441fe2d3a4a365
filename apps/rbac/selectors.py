"""Reads about roles that join."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.rbac import catalogue, scopes
from apps.rbac.access import Access
from apps.rbac.models import Department, Permission, PlatformRole, Position, Role, RolePermission, Scope, UserRole


@dataclass
class Held:
    """What a role holds: given to it, and through its parents."""

    own: set[str] = field(default_factory=set)
    inherited: set[str] = field(default_factory=set)

    @property
    def all(self) -> set[str]:
        return self.own | self.inherited


def held_by(roles: Iterable[UUID] | None = None) -> dict[UUID, Held]:
    """{role: what it holds}, of these roles or of all. One query."""
    rows = RolePermission.objects.order_by()
    if roles is not None:
        rows = rows.filter(role_id__in=list(roles))
    found: dict[UUID, Held] = defaultdict(Held)
    for role_id, key, inherited in rows.values_list("role_id", "permission_id", "inherited"):
        (found[role_id].inherited if inherited else found[role_id].own).add(key)
    return found


def departments_of_roles(roles: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """{role: the code of the department whose positions give it}; left out when several do. One query."""
    rows = Position.objects.order_by()
    if roles is not None:
        rows = rows.filter(role_id__in=list(roles))
    found: dict[UUID, set[str]] = defaultdict(set)
    for role_id, code in rows.values_list("role_id", "department__code"):
        found[role_id].add(code)
    return {role_id: next(iter(codes)) for role_id, codes in found.items() if len(codes) == 1}


def matrix() -> dict[str, Any]:
    """Roles, permissions and which role holds which, inherited ones included (api.md). Four queries."""
    roles, held, departments = list(Role.objects.order_by("id")), held_by(), departments_of_roles()
    return {
        "roles": [
            {
                "id": role.pk, "key": role.key, "name": role.name, "is_system": role.is_system,
                "department": departments.get(role.pk),
            }
            for role in roles
        ],
        "permissions": list(Permission.objects.order_by("key").values("key", "resource", "action", "name")),
        "role_permissions": [
            {"role": role.pk, "permission": key} for role in roles for key in sorted(held[role.pk].all)
        ],
    }  # fmt: skip


def find_role(value: str) -> Role:
    """By key or id. Raises NotFound, the same for one of another site."""
    roles: QuerySet[Role] = Role.objects.select_related("parent")
    try:
        found = roles.filter(pk=UUID(value)).first()
    except ValueError:
        found = roles.filter(key=value).first()
    if found is None:
        raise NotFound(message="No role here has this key or id.", field="role")
    return found


def find_user(pk: UUID, access: Access, *keys: str) -> Any:
    """A member of this site, or somebody who runs all sites, for whom one of `keys` is held. Raises NotFound."""
    users: Any = get_user_model()._default_manager
    found = access.narrow(users.members(), *keys, by="pk").filter(pk=pk).first()
    if found is None and any(access.at_site(key) for key in keys):
        found = users.filter(pk=pk, pk__in=PlatformRole.objects.values("user_id")).first()
    if found is None:
        raise NotFound()
    return found


@dataclass(frozen=True)
class Given:
    """An assignment as people read it, of this site or of all."""

    id: UUID
    user_id: UUID
    role: str
    role_id: UUID | None
    role_name: str
    scope: str
    scope_id: UUID | None
    scope_name: str | None
    expires_at: datetime | None
    created_at: datetime
    granted_by: Any
    position: Position | None


def given(assignments: Sequence[UserRole]) -> list[Given]:
    """`assignments` with role, granted_by and position at hand. A query for each kind of scope that names something."""
    targets: dict[str, set[UUID]] = defaultdict(set)
    for row in assignments:
        if row.scope_id is not None:
            targets[row.scope].add(row.scope_id)
    names = {kind: scopes.names_of(kind, ids) for kind, ids in targets.items()}
    return [
        Given(
            row.pk, row.user_id, row.role.key, row.role_id, row.role.name, row.scope, row.scope_id,
            names[row.scope].get(row.scope_id, "") if row.scope_id else None, row.expires_at, row.created_at, row.granted_by,
            row.member.position if row.member is not None else None,
        )
        for row in assignments
    ]  # fmt: skip


def given_everywhere(rows: Iterable[PlatformRole]) -> list[Given]:
    names = {role.key: role.name for role in catalogue.SYSTEM_ROLES}
    return [
        Given(
            row.pk, row.user_id, row.role_key, None, names.get(row.role_key, row.role_key), Scope.PLATFORM.value, None, None,
            row.expires_at, row.created_at, row.granted_by, None,
        )
        for row in rows
    ]  # fmt: skip


def roles_given_to(user: Any) -> list[Given]:
    """Every role a user holds or held here, those of all sites first."""
    everywhere = PlatformRole.objects.filter(user=user).select_related("granted_by")
    here = assignments().filter(user=user).order_by("-id")
    return [*given_everywhere(everywhere), *given(list(here))]


def assignments() -> QuerySet[UserRole]:
    """With what `given` needs at hand."""
    rows: QuerySet[UserRole] = UserRole.objects.select_related("role", "granted_by", "member__position")
    return rows


def departments_seen(access: Access, *keys: str) -> QuerySet[Department]:
    """Those that one of `keys` is held for."""
    ids = access.departments(*keys)
    return Department.objects.all() if ids is None else Department.objects.filter(pk__in=ids)


def with_positions(rows: QuerySet[Department]) -> QuerySet[Department]:
    return rows.select_related("head").prefetch_related("positions__role")


def find_department(pk: UUID, access: Access, *keys: str) -> Department:
    """Raises NotFound, the same for one of another site."""
    found = departments_seen(access, *keys).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found
