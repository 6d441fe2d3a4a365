"""What holds for every change of roles: who may, and that somebody is left who may do everything."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core.errors import Conflict, Denied
from apps.rbac import departments
from apps.rbac.access import Access
from apps.rbac.catalogue import SUPER_ADMIN
from apps.rbac.models import PlatformRole, Role, RolePermission, Scope, UserRole

_PLATFORM_LOCK = 0x0B_AC  # pg_advisory_xact_lock: the super admins of all sites have no row in common


def lock_site() -> None:
    """Whoever changes what roles hold, the shape of the departments, or who runs the site, does it alone.

    The super admins' role is the lock of its site. FOR NO KEY UPDATE lets assignments refer to it meanwhile.
    """
    Role.objects.select_for_update(no_key=True).get(key=SUPER_ADMIN)


def lock_platform() -> None:
    """Whoever changes who runs all sites does it alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PLATFORM_LOCK])


def keys_of(role: Role) -> list[str]:
    """All that a role holds, inherited keys among them, sorted."""
    return sorted(set(RolePermission.objects.filter(role=role).order_by().values_list("permission_id", flat=True)))


def check_holds(keys: Iterable[str], access: Access | None) -> None:
    """Raises Denied unless every key is held for the whole site. None is the system itself."""
    if access is not None:
        _refuse(key for key in keys if not access.at_site(key))


def check_may_give(
    keys: Iterable[str], access: Access | None, *, scope: str, scope_id: UUID | None, user_id: UUID
) -> None:
    """Nobody gives, or takes away, what they lack there: a key held for one department may be passed on within it."""
    if access is None:
        return
    if scope == Scope.PLATFORM:
        _refuse(key for key in keys if (Scope.PLATFORM.value, None) not in access.scopes.get(key, ()))
        return
    lacking = [key for key in keys if not access.at_site(key)]
    if not lacking:
        return
    if scope == Scope.DEPARTMENT and scope_id is not None:
        above = set(departments.chain(scope_id, departments.shape()))
        lacking = [key for key in lacking if above.isdisjoint(access.targets(Scope.DEPARTMENT, key))]
    elif scope == Scope.ENTERPRISE:
        lacking = [key for key in lacking if scope_id not in access.targets(Scope.ENTERPRISE, key)]
    elif scope == Scope.OWN:
        lacking = [key for key in lacking if not access.covers(user_id, key)]
    _refuse(lacking)


def _refuse(lacking: Iterable[str]) -> None:
    found = sorted(lacking)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        message = f"You can't give, take or change what you don't hold: {', '.join(found[:3])}{more}."
        raise Denied(message=message, lacking=found)


def check_super_admin_stays(*, user: Any) -> None:
    """Before a user is shut out. Raises Conflict last_super_admin when nobody else runs this site for good."""
    lock_site()
    mine = _lasting_here().filter(user=user)
    if mine.exists() and not (_lasting_everywhere().exists() or _lasting_here().exclude(user=user).exists()):
        raise _last()


def check_not_the_last(assignment: UserRole | PlatformRole) -> None:
    """Before an assignment is taken away or given an end. Takes the locks. Raises Conflict last_super_admin.

    All sites keep one super admin; where there is none for all of them, the site keeps one of its own.
    """
    if isinstance(assignment, PlatformRole):
        lock_platform()
        others = _lasting_everywhere().exclude(pk=assignment.pk)
        if assignment.role_key == SUPER_ADMIN and assignment.expires_at is None and not others.exists():
            raise _last()
        return
    lock_site()
    mine = _lasting_here().filter(pk=assignment.pk)
    if mine.exists() and not (_lasting_everywhere().exists() or _lasting_here().exclude(pk=assignment.pk).exists()):
        raise _last()


def _lasting_everywhere() -> Any:
    """Those with an end are not counted: on that day nobody would be left."""
    return PlatformRole.objects.filter(role_key=SUPER_ADMIN, expires_at=None, user__is_active=True)


def _lasting_here() -> Any:
    found = UserRole.objects.filter(role__key=SUPER_ADMIN, scope=Scope.SITE, expires_at=None)
    return found.filter(user__is_active=True, user__memberships__is_active=True)


def _last() -> Conflict:
    return Conflict(
        "last_super_admin", "Somebody must be left who may do everything. Appoint another super admin first."
    )
