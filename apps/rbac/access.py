"""What the caller of a request may do, and how a route says what it needs.

    access = {"GET": requires("commission.read", at="own"), "POST": requires("commission.approve", at="scoped")}

The default `at="site"` is for those who hold a key for every row. `at="scoped"` lets in holders for a department or an enterprise
too, and `at="own"` whoever holds it at all: there the view narrows its rows, `access_of(request).narrow(rows, key)` (ADR 0009).
`step_up=True` wants a sign-in that is not too old (ADR 0011).
Loaded by one query per request, so a removed role is refused at the next request (R20).
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections
from rest_framework.permissions import BasePermission

from apps.core.errors import Denied
from apps.core.postgresql.prepared import fetch_prepared
from apps.core.tenancy import across_sites, current_site_id, read_alias
from apps.rbac import departments, scopes
from apps.rbac.models import Scope

At = Literal["own", "scoped", "site"]

_WIDE = {Scope.SITE.value, Scope.PLATFORM.value}

ASSIGNMENTS_SQL = """
SELECT r.key AS role, ur.scope, ur.scope_id,
       ARRAY(SELECT rp.permission_id FROM rbac_rolepermission rp WHERE rp.site_id = r.site_id AND rp.role_id = r.id) AS keys
FROM rbac_userrole ur JOIN rbac_role r ON r.site_id = ur.site_id AND r.id = ur.role_id
WHERE ur.site_id = %(site)s AND ur.user_id = %(user)s AND (ur.expires_at IS NULL OR ur.expires_at > now())
UNION ALL
SELECT pr.role_key, 'platform', NULL,
       ARRAY(SELECT rp.permission_id FROM rbac_role r JOIN rbac_rolepermission rp ON rp.site_id = r.site_id AND rp.role_id = r.id
             WHERE r.site_id = %(site)s AND r.key = pr.role_key)
FROM rbac_platformrole pr
WHERE pr.user_id = %(user)s AND (pr.expires_at IS NULL OR pr.expires_at > now())
"""


@dataclass
class Access:
    """The keys a caller holds at the present site, each with its scopes as (kind, id).

    `withheld` is what they would hold with two-factor, where the site wants it of staff and they have none. `two_factor` says
    whether they have it, `step_up_seconds` how old a sign-in may be before money moves; 0 for any age.
    """

    scopes: dict[str, set[tuple[str, UUID | None]]] = field(default_factory=lambda: defaultdict(set))
    roles: set[str] = field(default_factory=set)
    platform: bool = False
    withheld: "Access | None" = None
    two_factor: bool = False
    step_up_seconds: int = 0

    def has(self, key: str) -> bool:
        """In any scope."""
        return key in self.scopes

    def at_site(self, key: str) -> bool:
        """For every row of the site."""
        return any(kind in _WIDE for kind, _ in self.scopes.get(key, ()))

    def scoped(self, key: str) -> bool:
        """For other people's rows: of the site, a department or an enterprise."""
        return any(kind != Scope.OWN for kind, _ in self.scopes.get(key, ()))

    def targets(self, kind: str, *keys: str) -> set[UUID]:
        """The departments or enterprises that one of these keys is held for."""
        held = {scope for key in keys for scope in self.scopes.get(key, ())}
        return {target for scope, target in held if scope == kind and target is not None}

    def departments(self, *keys: str) -> set[UUID] | None:
        """The departments that one of these keys is held for, with those below; None for all."""
        if any(self.at_site(key) for key in keys):
            return None
        ids = self.targets(Scope.DEPARTMENT, *keys)
        return departments.below(ids) if ids else set()

    def users(self, *keys: str, own: UUID | None = None) -> Any:
        """Whose rows one of these keys is held for: None for everybody's, else a queryset of user ids for a subquery.

        With `own`, that user's rows come along.
        """
        if any(self.at_site(key) for key in keys):
            return None
        held = [(kind, self.targets(kind, *keys)) for kind in (Scope.DEPARTMENT, Scope.ENTERPRISE)]
        parts = [scopes.users_of(kind, ids) for kind, ids in held if ids]
        users = get_user_model()._default_manager.order_by()
        if own is not None:
            parts.append(users.filter(pk=own).values("pk"))
        return parts[0].union(*parts[1:]) if parts else users.none().values("pk")

    def narrow(self, rows: Any, *keys: str, by: str = "user_id", own: UUID | None = None) -> Any:
        """Those of `rows` whose user, in the column `by`, one of these keys is held for; with `own`, that user's as well."""
        if any(self.at_site(key) for key in keys):
            return rows
        if any(self.targets(kind, *keys) for kind in (Scope.DEPARTMENT, Scope.ENTERPRISE)):
            return rows.filter(**{f"{by}__in": self.users(*keys, own=own)})
        return rows.none() if own is None else rows.filter(**{by: own})

    def covers(self, user_id: UUID, *keys: str) -> bool:
        """Is one of these keys held for this user's rows?"""
        return bool(self.narrow(get_user_model()._default_manager.filter(pk=user_id), *keys, by="pk").exists())

    @classmethod
    def of(cls, assignments: Iterable[tuple[str, str, UUID | None, Sequence[str]]]) -> "Access":
        """From rows of ASSIGNMENTS_SQL."""
        access = cls()
        for role, scope, scope_id, keys in assignments:
            access.roles.add(role)
            access.platform = access.platform or scope == Scope.PLATFORM
            for key in keys:
                access.scopes[key].add((scope, scope_id))
        return access

    @property
    def keys(self) -> list[str]:
        return sorted(self.scopes)

    @property
    def is_staff(self) -> bool:
        """Holds any key for more than their own rows: may enter the back office."""
        return any(self.scoped(key) for key in self.scopes)

    def of_caller(self, *, two_factor: bool, step_up_seconds: int) -> "Access":
        """The same keys, as somebody holds them. In a tenth of the time of `replace`: every request does it."""
        mine = object.__new__(Access)
        mine.__dict__ = {**self.__dict__, "two_factor": two_factor, "step_up_seconds": step_up_seconds}
        return mine

    def without_staff_keys(self) -> "Access":
        """What is left to staff without two-factor where the site wants it: their own rows. All of it for who is no staff."""
        wide = any(kind != Scope.OWN for scopes in self.scopes.values() for kind, _ in scopes)
        if not (wide or self.platform):
            return self
        own = {key: {scope for scope in scopes if scope[0] == Scope.OWN} for key, scopes in self.scopes.items()}
        kept = defaultdict(set, {key: scopes for key, scopes in own.items() if scopes})
        return replace(self, scopes=kept, platform=False, withheld=self)

    def reach_across(self, request: Any) -> None:
        """From here on a request that reads all sites has the keys held at all of them: what a site gave counts there only.

        Raises Denied two_factor_required: what one site wants of its staff can't be got around by asking from another.
        """
        if not self.two_factor and _some_site_wants_two_factor():
            raise Denied("two_factor_required", "One of the sites wants two-factor of its staff. Switch it on first.")
        everywhere: tuple[str, UUID | None] = (Scope.PLATFORM.value, None)
        kept = {key: {everywhere} for key, scopes in self.scopes.items() if everywhere in scopes}
        request.access = request._upline_access = replace(self, scopes=defaultdict(set, kept))

    def is_stale(self, auth_time: float | None) -> bool:
        """Was the password or code given too long ago for moving money? `auth_time` in seconds since 1970; None is long ago."""
        return bool(self.step_up_seconds) and (auth_time is None or time.time() - auth_time > self.step_up_seconds)


def _some_site_wants_two_factor() -> bool:
    with across_sites(), connections[read_alias()].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM sites_sitesettings WHERE staff_two_factor)")
        return bool(cursor.fetchone()[0])


def load_access(user_id: UUID) -> Access:
    """One query. Outside a site only platform roles count, and they grant nothing until a site is chosen."""
    return Access.of(fetch_prepared(ASSIGNMENTS_SQL, {"site": current_site_id(), "user": user_id}))


def access_of(request: Any) -> Access:
    """The caller's access, loaded once per request. Works with Django's and DRF's request."""
    inner = getattr(request, "_request", request)
    cached: Access | None = getattr(inner, "_upline_access", None)
    if cached is None:
        user = request.user
        preset = getattr(user, "access", None)
        if preset is not None:
            cached = preset
        else:
            cached = load_access(user.pk) if user.is_authenticated else Access()
        inner._upline_access = cached
    return cached


@dataclass(frozen=True)
class Requirement:
    """Who may call a route: anybody, anybody signed in, or holders of one of `keys`; with `step_up`, lately signed in."""

    kind: Literal["public", "signed_in", "keys"]
    keys: tuple[str, ...] = ()
    at: At = "site"
    step_up: bool | Literal["always"] = False

    def met_by(self, access: Access, *, authenticated: bool) -> bool:
        if self.kind == "public":
            return True
        if not authenticated or self.kind == "signed_in":
            return authenticated
        holds = {"own": access.has, "scoped": access.scoped, "site": access.at_site}[self.at]
        return any(holds(key) for key in self.keys)


def requires(*keys: str, at: At = "site", step_up: bool | Literal["always"] = False) -> Requirement:
    """Any one of `keys` is enough. `step_up` is for routes that move money: those who have two-factor give a code again. With
    "always" the others give their password again."""
    return Requirement("keys", keys, at, step_up)


PUBLIC = Requirement("public")
SIGNED_IN = Requirement("signed_in")


class DeclaredAccess(BasePermission):
    """DRF's side of `access`. A method that declares nothing is closed.

    Raises Denied two_factor_required, step_up_required: what the caller lacks is not the permission.
    """

    def has_permission(self, request: Any, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        requirement: Requirement | None = getattr(view, "access", {}).get(method)
        if requirement is None:
            return request.method not in view.allowed_methods  # let DRF answer 405
        access, authenticated = access_of(request), bool(request.user.is_authenticated)
        if not requirement.met_by(access, authenticated=authenticated):
            if access.withheld is not None and requirement.met_by(access.withheld, authenticated=authenticated):
                raise Denied("two_factor_required", "This site wants two-factor of its staff. Switch it on first.")
            return False
        # Without a device there is no code to ask for; such clients, and servers with their keys, go on as before.
        is_asked = access.two_factor or requirement.step_up == "always"
        if requirement.step_up and is_asked and access.is_stale(getattr(request.user, "auth_time", None)):
            what = "a code" if access.two_factor else "your password"
            raise Denied("step_up_required", f"Give {what} again before money moves: POST /auth/step-up.")
        return True
