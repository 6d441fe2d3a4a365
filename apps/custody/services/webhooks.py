"""Is a webhook from the custodian? (https://developers.fireblocks.com/reference/validating-webhooks)

Now: `Fireblocks-Webhook-Signature`, a detached JWS (RS512) by a key of the custodian's JWKS. Before: `Fireblocks-Signature`, RSA
with SHA-512 over the body by a fixed key, which a site may have written down. The JWKS is all customers' of the custodian, so the
event must also name the site's workspace (events.py).
"""

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from django.conf import settings
from jwt.api_jws import PyJWS

from apps.core.api.parsers import read_json
from apps.custody import errors

TOLERANCE_SECONDS = 300
KEYS_SECONDS = 3600
UNKNOWN_KEY_SECONDS = 60
"""A key we don't know makes us fetch them anew, but not more often: the door is open to everybody."""
TIMEOUT = (3.05, 5)
LAST_MOMENT = 10**15
"""Milliseconds: far from now, and not too large to reckon with."""


class BadSignature(Exception):
    """Not from the custodian, or too old to be believed."""


@dataclass
class _Keys:
    """The keys of one JWKS, and when they were fetched and last asked for."""

    keys: dict[str, Any]
    fetched: float = 0.0
    tried: float = 0.0


_known: dict[str, _Keys] = {}


def verify(*, body: bytes, signature: str, legacy_signature: str, legacy_key: str) -> tuple[str, dict[str, Any]]:
    """(event id, event) of a webhook that was signed, and within the last 300 seconds by the time that it carries.

    Called outside of a transaction: keys may have to be fetched. Raises BadSignature, Unavailable, ValueError (no event).
    """
    if signature:
        signed_at = _check_jws(body, signature)
    else:
        signed_at = None
        _check_legacy(body, legacy_signature, legacy_key)
    event = read_json(body)
    if not isinstance(event, dict):
        raise ValueError("no event")
    written = signed_at if signed_at is not None else _written_at(event)
    if written is None or abs(time.time() - written) > TOLERANCE_SECONDS:
        raise BadSignature
    # The old protocol has no ids: the same body is the same event.
    event_id = event["id"] if "id" in event else hashlib.sha256(body).hexdigest()
    if not isinstance(event_id, str) or not 0 < len(event_id) <= 128:
        raise ValueError("no event id")
    return event_id, event


def _check_jws(body: bytes, signature: str) -> float | None:
    """The time that the signature itself carries, if it does. Raises BadSignature, Unavailable."""
    parts = signature.split(".")
    try:
        header = jwt.get_unverified_header(signature)
        if len(parts) != 3 or parts[1] or {"crit", "b64"} & set(header):
            raise BadSignature
        whole = f"{parts[0]}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.{parts[2]}"
        PyJWS().decode(whole, _key(str(header.get("kid", ""))), algorithms=["RS512"])
    except (jwt.PyJWTError, ValueError) as error:
        raise BadSignature from error
    issued = header.get("iat")
    return float(issued) if isinstance(issued, int | float) else None


def _key(kid: str) -> Any:
    """The public key of this name. Raises BadSignature, Unavailable."""
    found = _known.setdefault(settings.FIREBLOCKS_JWKS_URL, _Keys({}))
    now = time.monotonic()
    is_stale = not found.fetched or now - found.fetched > KEYS_SECONDS
    may_ask = not found.tried or now - found.tried > UNKNOWN_KEY_SECONDS
    if is_stale or (kid not in found.keys and may_ask):
        found.tried = now
        try:
            found.keys, found.fetched = _fetch(settings.FIREBLOCKS_JWKS_URL), now
        except (requests.RequestException, ValueError, jwt.PyJWTError) as error:
            if kid not in found.keys:  # old keys are better than none
                raise errors.unknown_outcome() from error
    if kid not in found.keys:
        raise BadSignature
    return found.keys[kid]


def _fetch(url: str) -> dict[str, Any]:
    answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    return {str(key.key_id): key.key for key in jwt.PyJWKSet.from_dict(answer.json()).keys}


def _check_legacy(body: bytes, signature: str, key: str) -> None:
    if not key or not signature:
        raise BadSignature
    try:
        public: Any = serialization.load_pem_public_key(key.encode())
        public.verify(base64.b64decode(signature, validate=True), body, padding.PKCS1v15(), hashes.SHA512())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise BadSignature from error


def _written_at(event: dict[str, Any]) -> float | None:
    """When the event says it was made, in seconds: createdAt now, timestamp before, both in milliseconds."""
    found = event.get("createdAt", event.get("timestamp"))
    if not isinstance(found, int | float) or isinstance(found, bool) or abs(found) >= LAST_MOMENT:
        return None
    return found / 1000
