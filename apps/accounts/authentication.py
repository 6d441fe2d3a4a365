"""Who is calling: a bearer token, an API key, or the dashboard's session."""

import hashlib
import json
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from apps.accounts.errors import token_invalid
from apps.accounts.models import ApiKey, User
from apps.accounts.oidc import is_foreign, member_of
from apps.accounts.sign_ins import NOTED_EVERY
from apps.accounts.tokens import read_access
from apps.core import logs
from apps.core.errors import Denied, Unauthenticated
from apps.core.postgresql.prepared import fetch_prepared
from apps.rbac.access import ASSIGNMENTS_SQL, Access

# User, membership, version, roles and keys, two-factor and what the site wants of it, and whether the sign-in goes on: one round
# trip, planned once per connection.
_CALLER_SQL = f"""
SELECT u.id, u.email, u.full_name, u.locale, u.is_active, u.token_version, m.user_type,
       m.is_active AND coalesce(e.is_active, true),
       (SELECT json_agg(json_build_array(a.role, a.scope, a.scope_id, a.keys))::text FROM ({ASSIGNMENTS_SQL}) a),
       s.staff_two_factor, s.step_up_minutes, d.confirmed_at IS NOT NULL, i.revoked_at IS NULL AND i.version = u.token_version,
       i.last_used_at < now() - interval '{NOTED_EVERY}'
FROM accounts_user u LEFT JOIN accounts_membership m ON m.site_id = %(site)s AND m.user_id = u.id
LEFT JOIN accounts_membership e ON e.site_id = m.site_id AND e.id = m.enterprise_id
LEFT JOIN sites_sitesettings s ON true
LEFT JOIN accounts_twofactordevice d ON d.user_id = u.id
LEFT JOIN accounts_signin i ON i.id = %(sign_in)s AND i.user_id = u.id
WHERE u.id = %(user)s
"""  # noqa: S608  (a constant)

_LOADED = frozenset({"id", "email", "full_name", "locale", "is_active", "token_version"})


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access>`. Disabling, a password change or a lost membership count at the next request (R20)."""

    keyword = "Bearer"

    def authenticate(self, request: Any) -> tuple[User, Any] | None:
        raw = _credential(request, b"bearer")
        if raw is None:
            return None
        site = request._request.site
        if is_foreign(raw):
            return _by_issuer(request._request, site)
        claims = read_access(raw, site)
        user: Any = load_caller(site.pk, claims.user_id, sign_in=claims.sid)
        if user is None or user.token_version != claims.ver:
            raise token_invalid()
        user.auth_time = claims.auth_time
        logs.actor_id.set(str(user.pk))
        return user, claims

    def authenticate_header(self, request: Any) -> str:
        return self.keyword


def _by_issuer(request: Any, site: Any) -> tuple[User, Any]:
    """By a token of the site's own issuer (P7), verified by IssuerTokenMiddleware. Raises Unauthenticated.

    Whoever has two-factor signs in with it instead: a bearer token brings no code.
    """
    if request.issuer_error is not None:
        raise request.issuer_error
    if request.issuer_person is None:
        raise token_invalid()
    member = member_of(request.issuer_person)
    user: Any = load_caller(site.pk, member.pk)
    if user is None or user.access.two_factor:
        raise token_invalid()
    user.auth_time = request.issuer_person.auth_time
    logs.actor_id.set(str(user.pk))
    return user, request.issuer_person


def load_caller(site_id: UUID, user_id: UUID, *, sign_in: UUID | None = None) -> User | None:
    """An active user who is a member of the site or holds a platform role, and whose sign-in, where one is named, goes on.

    `user.user_type` says what they are here, `user.access` what they may; `user.sign_in_id` is that sign-in, and `user.came_back`
    whether its last use was noted a while ago.
    """
    rows = fetch_prepared(_CALLER_SQL, {"site": site_id, "user": user_id, "sign_in": sign_in})
    if not rows:
        return None
    pk, email, full_name, locale, is_active, version, user_type, member, assignments, *security = rows[0]
    wanted, minutes, two_factor, goes_on, came_back = security
    held = _held(assignments)
    platform = held.platform
    if not is_active or not (member or platform) or (sign_in is not None and not goes_on):
        return None
    access = held.of_caller(two_factor=two_factor, step_up_seconds=(minutes or 0) * 60)
    user: Any = User.from_db("default", _LOADED, [pk, email, full_name, locale, is_active, version])
    user.access = access.without_staff_keys() if wanted and not two_factor else access
    user.user_type = user_type if member and user_type != "staff" else ("super_admin" if platform else "staff")
    user.sign_in_id, user.came_back = sign_in, came_back
    loaded: User = user
    return loaded


@lru_cache(maxsize=1024)
def _held(assignments: str | None) -> Access:
    """The same text says the same of whoever it is about, so it is read once. Who gets it shares it and never changes it."""
    listed = json.loads(assignments) if assignments else ()
    return Access.of([(role, scope, UUID(target) if target else None, keys) for role, scope, target, keys in listed])


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>` of this site. Another site's key is unknown here: 401."""

    keyword = "Api-Key"

    def authenticate(self, request: Any) -> tuple[ApiKey, Any] | None:
        raw = _credential(request, b"api-key")
        if raw is None:
            return None
        key = ApiKey.objects.filter(key_hash=hash_key(raw), revoked_at=None).first()
        if key is None:
            raise Unauthenticated("api_key_invalid", "This API key is not valid here.")
        key.access = access_of_key(key)  # type: ignore[attr-defined]
        now = timezone.now()
        if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        logs.actor_id.set(str(key.pk))
        return key, key

    def authenticate_header(self, request: Any) -> str:
        return self.keyword


def hash_key(raw: str) -> str:
    """Keys are 200 random bits, so a plain hash is as good as a slow one."""
    return hashlib.sha256(raw.encode()).hexdigest()


def access_of_key(key: ApiKey) -> Access:
    access = Access()
    for scope in key.scopes:
        access.scopes[scope].add(("site", None))
    return access


class SiteSessionAuthentication(SessionAuthentication):
    """The dashboard's session, with its CSRF token. SessionSiteMiddleware has checked that it is this site's."""

    def authenticate(self, request: Any) -> Any:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_authenticated:
            return None
        try:
            self.enforce_csrf(request)
        except PermissionDenied as error:
            raise Denied("csrf_failed", "Send the CSRF token of this session in X-CSRFToken.") from error
        return user, None


def _credential(request: Any, scheme: bytes) -> str | None:
    parts = get_authorization_header(request).split()
    if not parts or parts[0].lower() != scheme:
        return None
    if len(parts) != 2:
        raise AuthenticationFailed()
    try:
        return str(parts[1].decode("ascii"))
    except UnicodeDecodeError as error:
        raise AuthenticationFailed() from error
