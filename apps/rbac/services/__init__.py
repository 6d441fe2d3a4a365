"""Every write about departments, roles and who holds them."""

from apps.rbac.services.assignments import (
    assign_role,
    change_assignment,
    give_affiliate_role,
    grant_platform_role,
    revoke_role,
)
from apps.rbac.services.departments import create_department, delete_department, update_department
from apps.rbac.services.guards import check_super_admin_stays
from apps.rbac.services.members import add_member, place_member, remove_member
from apps.rbac.services.roles import (
    create_role,
    delete_role,
    fingerprint,
    give_permissions,
    preview_role,
    set_role_permissions,
    take_permission,
    update_role,
)
from apps.rbac.services.seeding import seed_departments, seed_permissions, seed_roles

__all__ = [
    "add_member",
    "assign_role",
    "change_assignment",
    "check_super_admin_stays",
    "create_department",
    "create_role",
    "delete_department",
    "delete_role",
    "fingerprint",
    "give_affiliate_role",
    "give_permissions",
    "grant_platform_role",
    "place_member",
    "preview_role",
    "remove_member",
    "revoke_role",
    "seed_departments",
    "seed_permissions",
    "seed_roles",
    "set_role_permissions",
    "take_permission",
    "update_department",
    "update_role",
]
