"""A browser's session: opened after the password and, with two-factor, a code; bound to a site; proved again for moving money."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import login, logout
from django.utils.crypto import constant_time_compare

from apps.accounts.middleware import SESSION_AUTH_TIME, SESSION_SIGN_INS, SESSION_SITE, SESSION_SWITCH
from apps.accounts.models import SignIn, User
from apps.accounts.sign_ins import begin_sign_in, end_sign_ins
from apps.core.tenancy import site_context
from apps.sites import registry
from apps.sites.models import Site

SESSION_HALF_WAY = "upline_half_way"  # the password was right, the code is still to come
HALF_WAY_SECONDS = 600


@dataclass(frozen=True)
class HalfWay:
    """Somebody whose password was right."""

    user: User
    next: str


def open_session(request: Any, user: User) -> None:
    """A session of this site and no other (SessionSiteMiddleware); on the platform host, of none until one is chosen."""
    request.session.pop(SESSION_HALF_WAY, None)
    login(request, user)
    site = request.site
    request.session[SESSION_SITE] = site.code if site else ""
    request.session.pop(SESSION_SWITCH, None)
    request.session[SESSION_SIGN_INS] = {}
    prove_session(request)
    if site is not None:
        _list_at(request, site, user)


def enter_site(request: Any, site: Site) -> None:
    """A platform session works at another site from now on, where it is listed as a sign-in too."""
    request.session[SESSION_SWITCH] = site.code
    if site.code not in request.session.get(SESSION_SIGN_INS, {}):  # one that was ended there stays ended
        with site_context(site.pk):
            _list_at(request, site, request.user)


def prove_session(request: Any) -> None:
    """Whoever sits there has just proved who they are."""
    request.session[SESSION_AUTH_TIME] = int(time.time())


def close_session(request: Any) -> None:
    for code, sign_in_id in request.session.get(SESSION_SIGN_INS, {}).items():
        site = registry.by_code(code)
        if site is not None:
            with site_context(site.pk):
                end_sign_ins(pk=UUID(sign_in_id))
    logout(request)


def go_half_way(request: Any, user: User, after: str) -> None:
    """Nobody is signed in yet; a new password ends the wait too."""
    request.session[SESSION_HALF_WAY] = {
        "user": str(user.pk), "hash": user.get_session_auth_hash(), "until": int(time.time()) + HALF_WAY_SECONDS,
        "site": request.site.code if request.site else "", "next": after,
    }  # fmt: skip


def half_way(request: Any) -> HalfWay | None:
    """Who gave their password in this browser within ten minutes, at this site."""
    kept = request.session.get(SESSION_HALF_WAY)
    here = request.site.code if request.site else ""
    if not kept or kept["until"] < time.time() or kept["site"] != here:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return HalfWay(user, kept["next"])


def _list_at(request: Any, site: Site, user: Any) -> None:
    agent = request.headers.get("User-Agent", "")
    sign_in = begin_sign_in(user=user, kind=SignIn.Kind.BROWSER, user_agent=agent)
    request.session[SESSION_SIGN_INS] = {**request.session.get(SESSION_SIGN_INS, {}), site.code: str(sign_in.pk)}
