"""Is this token the issuer's, for us, and fresh? RS256 only, by keys kept for an hour (P7)."""

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from jwt import PyJWKClient
from jwt.exceptions import PyJWKClientConnectionError, PyJWKClientError

from apps.accounts.oidc.providers import Provider
from apps.core import outgoing
from apps.core.errors import Unauthenticated, Unavailable

KEYS_KEPT_SECONDS = 3600
COOLDOWN_SECONDS = 10  # an unknown key has the set fetched again, at most so often
LEEWAY_SECONDS = 10
MAX_TOKEN = 16_384
FAR_AHEAD = 2**33
"""Seconds; beyond the year 2200 no sign-in was."""


@dataclass(frozen=True)
class Person:
    """Who a token is about. `email` is empty unless the issuer says that it is theirs."""

    issuer: str
    subject: str
    email: str
    full_name: str
    auth_time: int


def verify(provider: Provider, raw: str, *, nonce: str = "") -> Person:
    """Call it outside of a transaction: keys may have to be fetched.

    Raises Unauthenticated id_token_invalid (signature, issuer, audience, age, nonce), Unavailable issuer_unavailable.
    """
    if len(raw) > MAX_TOKEN or not is_foreign(raw):
        raise _invalid()
    try:
        key = _client(provider.jwks_url).get_signing_key(jwt.get_unverified_header(raw).get("kid") or "")
        claims = jwt.decode(
            raw, key.key, algorithms=["RS256"], audience=provider.audience, issuer=provider.issuer, leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )  # fmt: skip
    except PyJWKClientConnectionError as error:
        raise Unavailable("issuer_unavailable", "The issuer of this token doesn't answer. Try again.") from error
    except (jwt.PyJWTError, PyJWKClientError, ValueError, TypeError, OverflowError) as error:
        raise _invalid() from error
    if nonce and claims.get("nonce") != nonce:
        raise _invalid()
    return _person(claims)


def _person(claims: dict[str, Any]) -> Person:
    subject, email = _text(claims, "sub"), _text(claims, "email")
    if not 0 < len(subject) <= 255:
        raise _invalid()
    known = len(email) <= 254 and claims.get("email_verified", True) in (True, "true")
    return Person(
        claims["iss"], subject, email.strip().lower() if known else "", _text(claims, "name").strip()[:120],
        _moment(claims.get("auth_time", claims["iat"])),
    )  # fmt: skip


def _text(claims: dict[str, Any], name: str) -> str:
    """What a database keeps: without NUL and without halves of characters. Anything else was not said."""
    value = claims.get(name)
    if not isinstance(value, str) or "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        return ""
    return value


def _moment(said: Any) -> int:
    """A time that can be one; long ago otherwise, so that nothing counts as proven just now."""
    return int(said) if isinstance(said, (int, float)) and 0 <= said < FAR_AHEAD else 0


def _invalid() -> Unauthenticated:
    return Unauthenticated("id_token_invalid", "This token is not valid here.")


def is_foreign(raw: str) -> bool:
    """Is it signed as an issuer's tokens are, and not as ours?"""
    return algorithm_of(raw) == "RS256"


def algorithm_of(raw: str) -> str:
    """What a token says it is signed with; not verified. Ours say HS256."""
    return _algorithm(raw.partition(".")[0])


@lru_cache(maxsize=256)
def _algorithm(header: str) -> str:
    """All tokens of one key begin alike."""
    try:
        read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return str(read.get("alg", "")) if isinstance(read, dict) else ""
    except (ValueError, RecursionError):
        return ""


class _Keys(PyJWKClient):
    """The library's, which keeps the set and fetches it again for an unknown key; fetched by our own guarded way."""

    def fetch_data(self) -> Any:
        try:
            found = outgoing.get_json(self.uri, timeout=self.timeout)
        except (outgoing.Refused, outgoing.Unreachable) as error:
            raise PyJWKClientConnectionError(str(error)) from error
        found = self._as_jwk_set_payload(found)
        if self.jwk_set_cache is not None:
            self.jwk_set_cache.put(found)
        return found


@lru_cache(maxsize=256)
def _client(jwks_url: str) -> PyJWKClient:
    return _Keys(jwks_url, lifespan=KEYS_KEPT_SECONDS, timeout=3, cooldown_duration=COOLDOWN_SECONDS)


def forget_keys() -> None:
    _client.cache_clear()
