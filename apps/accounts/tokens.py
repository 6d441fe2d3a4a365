"""Access and refresh tokens (W5). Claims: user_id, site, ver, token_type, jti, iat, exp; an access token's also sid, its sign-in,
and auth_time, when the password or code was last given.

simplejwt signs and reads; rotation is ours, because its refresh lets two parallel uses win (spec: dependencies.md, trap 7).
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from apps.accounts.errors import token_invalid, token_reused
from apps.accounts.models import Membership, RefreshToken, SignIn, User
from apps.accounts.sign_ins import begin_sign_in, continue_sign_in, end_sign_ins
from apps.core.errors import Denied, Unauthenticated
from apps.sites.models import Site


class AccessToken(Token):
    token_type = "access"  # noqa: S105
    lifetime = timedelta(seconds=settings.ACCESS_TOKEN_SECONDS)


class SignedRefreshToken(Token):
    token_type = "refresh"  # noqa: S105
    lifetime = timedelta(seconds=settings.REFRESH_TOKEN_SECONDS)


@dataclass(frozen=True)
class Claims:
    """What a verified token says. Whether it still holds is for the database to answer."""

    user_id: UUID
    site: str
    ver: int
    jti: str
    sid: UUID | None = None
    auth_time: int | None = None


def issue_pair(
    *, user: User, site: Site, user_agent: str = "", authenticated_at: datetime | None = None
) -> dict[str, str]:
    """`{access, refresh}` of a new sign-in at this site."""
    sign_in = begin_sign_in(user=user, kind=SignIn.Kind.API, user_agent=user_agent, authenticated_at=authenticated_at)
    return _pair(user, site, sign_in)


def _pair(user: User, site: Site, sign_in: SignIn) -> dict[str, str]:
    refresh = _signed(SignedRefreshToken(), user, site)
    RefreshToken.objects.create(
        user=user,
        family=sign_in.pk,
        jti_hash=_hash(refresh["jti"]),
        expires_at=timezone.now() + SignedRefreshToken.lifetime,
        ip=sign_in.ip,
        user_agent=sign_in.user_agent,
    )
    return {"access": issue_access(user=user, site=site, sign_in=sign_in), "refresh": str(refresh)}


def issue_access(*, user: User, site: Site, sign_in: SignIn) -> str:
    token = _signed(AccessToken(), user, site)
    token["sid"], token["auth_time"] = str(sign_in.pk), int(sign_in.authenticated_at.timestamp())
    return str(token)


def read_access(raw: str, site: Site) -> Claims:
    """Raises Unauthenticated (signature, age, kind), Denied site_mismatch (a token of another site)."""
    claims, expires = _verified(raw)
    if expires <= time.time():
        raise token_invalid()
    return _of_site(claims, site)


@lru_cache(maxsize=4096)
def _verified(raw: str) -> tuple[Claims, float]:
    """What a good signature says stays true; only age, site and version are asked again. A refusal is not remembered."""
    token, claims = _decode(AccessToken, raw)
    return claims, float(token["exp"])


def rotate(*, raw: str, site: Site, durable: list[Any], user_agent: str = "") -> dict[str, str]:
    """Exchange a refresh token, once. A second use ends its family, and that outlives the refusal: it goes to `durable`.

    Raises Unauthenticated token_invalid or token_reused.
    """
    claims = _read(SignedRefreshToken, raw, site)
    jti_hash = _hash(claims.jti)
    # The claim is one statement, so of any number of parallel uses exactly one finds the row unused.
    now = timezone.now()
    claimed = RefreshToken.objects.filter(jti_hash=jti_hash, used_at=None, revoked_at=None, expires_at__gt=now)
    won = claimed.update(used_at=now)
    row = RefreshToken.objects.select_related("user").filter(jti_hash=jti_hash).first()
    if row is None:
        raise token_invalid()
    if not won:
        if row.used_at is not None:
            durable.append(lambda: revoke_family(row.family))
            raise token_reused()
        raise token_invalid()
    if not row.user.is_active or row.user.token_version != claims.ver or not _belongs(row.user):
        raise token_invalid()
    return _pair(row.user, site, continue_sign_in(row.family, row.user, user_agent))


def revoke(*, raw: str, site: Site) -> None:
    """End the sign-in a refresh token belongs to. An unknown or expired one is already ended: no error.

    Raises Denied site_mismatch: said as done, the sign-in at the other site would live on.
    """
    try:
        claims = _read(SignedRefreshToken, raw, site)
    except Unauthenticated:
        return
    row = RefreshToken.objects.filter(jti_hash=_hash(claims.jti)).first()
    if row is not None:
        revoke_family(row.family)


def revoke_family(family: UUID) -> int:
    """Returns how many refresh tokens that ended. The sign-in ends with them, and so do its access tokens."""
    end_sign_ins(pk=family)
    return RefreshToken.objects.filter(family=family, revoked_at=None).update(revoked_at=timezone.now())


def revoke_user(user: User) -> None:
    """Every token of a user, at every site: the version in them no longer fits."""
    user.token_version += 1
    user.save(update_fields=["token_version"])
    RefreshToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    end_sign_ins(user=user)


def reset_link_parts(user: User) -> tuple[str, str]:
    """(uid, token) of a reset link: dead after an hour, after use, and after any password change."""
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


def _signed(token: Any, user: User, site: Site) -> Any:
    token["user_id"] = str(user.pk)
    token["site"] = site.code
    token["ver"] = user.token_version
    return token


def _read(kind: type[Token], raw: str, site: Site) -> Claims:
    return _of_site(_decode(kind, raw)[1], site)


def _decode(kind: type[Token], raw: str) -> tuple[Any, Claims]:
    try:
        token: Any = kind(raw)  # type: ignore[arg-type]
        sid, auth_time = token.get("sid"), token.get("auth_time")
        return token, Claims(
            UUID(token["user_id"]), str(token["site"]), int(token["ver"]), str(token["jti"]),
            UUID(sid) if sid else None, int(auth_time) if auth_time is not None else None,
        )  # fmt: skip
    except (TokenError, KeyError, ValueError, TypeError) as error:
        raise token_invalid() from error


def _of_site(claims: Claims, site: Site) -> Claims:
    if claims.site != site.code:
        raise Denied("site_mismatch", "This token is for another site.")
    return claims


def _belongs(user: User) -> bool:
    from apps.rbac.access import load_access

    member = Membership.objects.filter(user=user, is_active=True).exists()
    return member or load_access(user.pk).platform


def _hash(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()
