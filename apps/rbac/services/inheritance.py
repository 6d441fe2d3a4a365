"""What roles hold through their parents, stored beside what is theirs (ADR 0008)."""

from collections import defaultdict
from uuid import UUID

from apps.rbac.departments import chain
from apps.rbac.models import Role, RolePermission, UserRole


def parents() -> dict[UUID, UUID | None]:
    """{role: the one it takes over from}. One query."""
    return dict(Role.objects.order_by().values_list("pk", "parent_id"))


def heirs_of(role_id: UUID) -> set[UUID]:
    """The role and all that take over from it, at any distance."""
    tree = parents()
    return {node for node in tree if role_id in chain(node, tree)}


def people_of(role_id: UUID) -> int:
    """How many people hold the role or one of its heirs, expired assignments not counted."""
    return UserRole.objects.current().filter(role_id__in=heirs_of(role_id)).values("user_id").distinct().count()


def spread() -> None:
    """Bring every inherited row of the site to what the parents hold now. Call it under `lock_site`. Two reads."""
    tree = parents()
    own: dict[UUID, set[str]] = defaultdict(set)
    stored: dict[UUID, set[str]] = defaultdict(set)
    rows = RolePermission.objects.order_by().values_list("role_id", "permission_id", "inherited")
    for role_id, key, inherited in rows:
        (stored if inherited else own)[role_id].add(key)
    new = []
    for role_id in tree:
        wanted: set[str] = set().union(*(own[above] for above in chain(role_id, tree)[1:]))
        if stored[role_id] - wanted:
            gone = RolePermission.objects.filter(role_id=role_id, inherited=True)
            gone.filter(permission_id__in=stored[role_id] - wanted).delete()
        new += [(role_id, key) for key in sorted(wanted - stored[role_id])]
    RolePermission.objects.bulk_create(
        [RolePermission(role_id=role_id, permission_id=key, inherited=True) for role_id, key in new]
    )
