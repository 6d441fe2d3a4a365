"""What every site begins with: the keys, the system roles, the departments of document H. Safe to repeat."""

from uuid import UUID

from django.db import transaction

from apps.rbac import catalogue, organisation
from apps.rbac.models import Department, Permission, Position, Role, RolePermission
from apps.rbac.services.guards import lock_site
from apps.rbac.services.inheritance import spread


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
    roles: dict[str, Role] = {}
    for system in catalogue.SYSTEM_ROLES:
        parent = roles.get(system.parent)
        roles[system.key], _ = Role.objects.update_or_create(
            site_id=site_id,
            key=system.key,
            defaults={
                "name": system.name, "description": system.description, "is_system": True, "parent": parent,
            },
        )  # fmt: skip
    lock_site()
    for system in catalogue.SYSTEM_ROLES:
        above = next((item.permissions for item in catalogue.SYSTEM_ROLES if item.key == system.parent), frozenset())
        _hold(roles[system.key], set(system.permissions - above))
    spread()


def _hold(role: Role, wanted: set[str]) -> None:
    own = RolePermission.objects.filter(role=role, inherited=False)
    held = set(own.order_by().values_list("permission_id", flat=True))
    if held - wanted:
        own.filter(permission_id__in=held - wanted).delete()
    missing = [RolePermission(role=role, permission_id=key) for key in sorted(wanted - held)]
    RolePermission.objects.bulk_create(missing)


@transaction.atomic
def seed_departments(site_id: UUID) -> None:
    """Document H's departments and positions with their roles. Makes what is missing, and changes nothing that is there."""
    lock_site()
    roles = {role.key: role for role in Role.objects.all()}
    for ordinary in organisation.ORDINARY_ROLES:
        if ordinary.key not in roles:
            roles[ordinary.key] = role = Role.objects.create(
                key=ordinary.key,
                name=ordinary.name,
                description=ordinary.description,
                parent=roles.get(ordinary.parent),
            )
            _hold(role, set(ordinary.permissions))
    known = {department.code for department in Department.objects.all()}
    for part in organisation.DEPARTMENTS:
        if part.code not in known:
            department = Department.objects.create(code=part.code, name=part.name, purpose=part.purpose)
            Position.objects.bulk_create(
                [Position(department=department, key=p.key, name=p.name, role=roles[p.role]) for p in part.posts]
            )
    spread()
