"""Sessions that belong to one site, and POSTs that count once."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from apps.accounts import oidc
from apps.accounts.authentication import hash_key
from apps.accounts.backends import presented
from apps.accounts.sign_ins import note_use
from apps.accounts.tokens import AccessToken
from apps.core import crypto
from apps.core.api.errors import error_response
from apps.core.api.views import Answered
from apps.core.errors import Conflict, DomainError, Unprocessable
from apps.core.middleware import is_api
from apps.core.models import IdempotencyKey
from apps.core.tenancy import site_context
from apps.rbac.access import access_of
from apps.sites import registry

GetResponse = Callable[[HttpRequest], HttpResponse]

SESSION_SITE = "upline_site"  # the code a session was opened at; "" on the platform host
SESSION_SWITCH = "upline_switch"  # the site a platform session works at
SESSION_SIGN_INS = "upline_sign_ins"  # {code of a site: the sign-in there}; several where a platform session went about
SESSION_AUTH_TIME = "upline_auth_time"  # when the password or a code was last given
LOCK_SECONDS = 60
MAX_KEY = 255


class SignInMiddleware(AuthenticationMiddleware):
    """`request.user` of the session, whose sign-in must not have been ended. One statement answers for both, when first asked."""

    def process_request(self, request: Any) -> None:
        request.user = SimpleLazyObject(lambda: session_user(request))


def session_user(request: Any) -> Any:
    """`user.auth_time` says when they last proved who they are. Without a sign-in, the session is from before there were any."""
    named = request.session.get(SESSION_SIGN_INS, {}).get(request.site.code if request.site else "")
    token = presented.set(UUID(named) if named else None)
    try:
        user: Any = get_user(request)
    finally:
        presented.reset(token)
    if user.is_authenticated:
        user.auth_time = request.session.get(SESSION_AUTH_TIME)
        if named and user.came_back:
            note_use(user.sign_in_id)
    return user


class SessionSiteMiddleware:
    """A session opened at one site is nobody's at another. On the platform host the back office works at the switcher's site."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.access = SimpleLazyObject(lambda: access_of(request))
        site = request.site
        opened_at = request.session.get(SESSION_SITE)
        if opened_at is not None and opened_at != (site.code if site else ""):
            request.user = AnonymousUser()
            return self.get_response(request)
        chosen = registry.by_code(request.session.get(SESSION_SWITCH, "")) if site is None and opened_at == "" else None
        if chosen is None:
            return self.get_response(request)
        request.site = chosen
        request.switched = True
        with site_context(chosen.pk):
            return self.get_response(request)


class IssuerTokenMiddleware:
    """A bearer token of the site's own issuer (P7) is checked here, before any transaction: its keys may have to be fetched.

    What it says, or why it was refused, is for BearerAuthentication. Our own tokens pass by.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.issuer_person = request.issuer_error = None
        scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
        site, raw = request.site, raw.strip()
        if scheme.lower() == "bearer" and site is not None and is_api(request) and oidc.is_foreign(raw):
            with site_context(site.pk):
                provider = oidc.provider_of(site.pk, site.code)
            if provider is not None and provider.accepts_bearer:
                try:
                    request.issuer_person = oidc.verify(provider, raw)
                except DomainError as error:
                    request.issuer_error = error
        return self.get_response(request)


class IdempotencyMiddleware:
    """`Idempotency-Key` on POST (api.md). The claim is committed by itself, the answer together with the effects.

    So a crash between the two leaves a claim that expires, and never an effect without its answer. Only 2xx are kept; any
    other answer frees the key. Anonymous calls ignore it. A key that is known is answered by the view, once it has checked who
    asks: a token that was revoked, or a role that was taken away, gets no old answer either (R20).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "")
        site = request.site
        if request.method != "POST" or not key or site is None or not is_api(request):
            return self.get_response(request)
        if len(key) > MAX_KEY or not key.isprintable():
            message = f"Idempotency-Key has at most {MAX_KEY} printable characters."
            return error_response(request, 400, "invalid", message)
        with site_context(site.pk):
            caller = _caller(request)
            if caller is None:
                claim = None
            else:
                claim, request.known_key = _claim(request, caller, key)
        if claim is None:
            return self.get_response(request)
        request.before_commit.append(lambda response: _store(claim, response))
        response = self.get_response(request)
        if not 200 <= response.status_code < 300:
            with site_context(site.pk):
                IdempotencyKey.objects.filter(pk=claim.pk, status=0).delete()
        return response


def _store(claim: IdempotencyKey, response: HttpResponse) -> None:
    """Runs inside the request's transaction, right before it commits."""
    if 200 <= response.status_code < 300 and not response.streaming:
        IdempotencyKey.objects.filter(pk=claim.pk).update(
            status=response.status_code, body=_sealed(claim, response.content),
            content_type=response.get("Content-Type", "")[:100],
        )  # fmt: skip


def _sealed(claim: IdempotencyKey, content: bytes) -> bytes:
    """Encrypted: an answer may hold tokens or an API key, which are nowhere else in the database (R26)."""
    return crypto.encrypt(content.decode("latin-1"), context=crypto.place(claim, "body")).encode()


def _opened(found: IdempotencyKey) -> bytes:
    return crypto.decrypt(bytes(found.body).decode(), context=crypto.place(found, "body")).encode("latin-1")


def _claim(request: HttpRequest, caller: str, key: str) -> tuple[IdempotencyKey | None, Exception | None]:
    """The claim, or what the view raises instead of running."""
    fingerprint = _fingerprint(request)
    now = timezone.now()
    claim = IdempotencyKey(
        caller=caller, key=key, fingerprint=fingerprint, locked_until=now + timedelta(seconds=LOCK_SECONDS)
    )
    found = None
    while found is None:  # another's refused request may free the key between our two statements
        IdempotencyKey.objects.bulk_create([claim], ignore_conflicts=True)
        found = IdempotencyKey.objects.select_for_update().filter(caller=caller, key=key).first()
    if found.pk == claim.pk:
        return found, None
    if found.fingerprint != fingerprint:
        message = "This Idempotency-Key came with another request before."
        return None, Unprocessable("idempotency_key_reused", message)
    if found.status:
        response = HttpResponse(_opened(found), status=found.status, content_type=found.content_type)
        response["Idempotent-Replayed"] = "true"
        return None, Answered(response)
    if found.locked_until > now:
        return None, Conflict("idempotency_in_progress", "The first request is still running.")
    found.locked_until = claim.locked_until
    found.save(update_fields=["locked_until"])
    return found, None


def _fingerprint(request: HttpRequest) -> str:
    digest = hashlib.sha256()
    for part in (request.method or "", request.get_full_path()):
        digest.update(part.encode() + b"\0")
    digest.update(request.body)
    return digest.hexdigest()


def _caller(request: Any) -> str | None:
    """Whose key this is, before the view authenticates: a forged credential ends in 401, which frees the key."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        person = request.issuer_person
        if person is not None:
            return f"sub:{hash_key(person.subject)[:40]}"
        try:
            token: Any = AccessToken(value.strip())
            return f"user:{token['user_id']}"
        except Exception:
            return None
    if scheme.lower() == "api-key":
        return f"key:{hash_key(value.strip())[:40]}"
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if session_key:
        store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
        user_id = store.get(SESSION_KEY)
        return f"user:{user_id}" if user_id else None
    return None
