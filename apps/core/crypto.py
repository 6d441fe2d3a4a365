"""Encryption of single fields: AES-256-GCM, key id + nonce in front, and associated data that ties a value to its row.

So a dump holds no plaintext, and a ciphertext that was moved to another row, column or site fails to decrypt (R26).
`UPLINE_ENCRYPTION_KEYS` is `id:base64` pairs, newest first: the first encrypts, all decrypt.
"""

import base64
import hashlib
import hmac
import os
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from apps.core.tenancy import require_site_id

NONCE_BYTES = 12


class Undecryptable(ValueError):
    """Another row's ciphertext, an altered one, or a key that we no longer have."""


@cache
def _keys(configured: tuple[str, ...]) -> dict[str, AESGCM]:
    keys = {}
    for pair in configured:
        name, _, encoded = pair.partition(":")
        raw = base64.b64decode(encoded)
        if len(raw) != 32 or not name or len(name) > 32:
            raise ValueError("UPLINE_ENCRYPTION_KEYS holds id:base64 pairs of 32 bytes each")
        keys[name] = AESGCM(raw)
    return keys


def key_ids() -> list[str]:
    """Of the keys that are configured, the one that encrypts first."""
    return list(_keys(tuple(settings.UPLINE_ENCRYPTION_KEYS)))


def encrypt(plaintext: str, *, context: str) -> str:
    """`context` names the place, such as `<site>/payouts_payoutmethod/details/<id>`; decrypting needs the same."""
    keys = _keys(tuple(settings.UPLINE_ENCRYPTION_KEYS))
    name, key = next(iter(keys.items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = key.encrypt(nonce, plaintext.encode(), context.encode())
    return f"{name}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, *, context: str) -> str:
    """Raises Undecryptable."""
    name, _, encoded = stored.partition(":")
    key = _keys(tuple(settings.UPLINE_ENCRYPTION_KEYS)).get(name)
    if key is None:
        raise Undecryptable("no such key")
    raw = base64.b64decode(encoded)
    try:
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
    except InvalidTag as error:
        raise Undecryptable("altered, or of another row") from error


def place(row: Any, field: str) -> str:
    """The context of one encrypted column of a row: `<site>/<table>/<column>/<id>`, or what the model's `sealed_place` says.

    A model names its encrypted columns in `sealed_columns`: the rotation of keys goes by it (apps.core.rotation).
    """
    if hasattr(row, "sealed_place"):
        return str(row.sealed_place(field))
    return f"{row.site_id}/{row._meta.db_table}/{field}/{row.pk}"


def opened(row: Any, field: str) -> str:
    """What a column holds that was encrypted for `place`; "" where it is empty. Raises Undecryptable."""
    stored = getattr(row, field)
    return decrypt(stored, context=place(row, field)) if stored else ""


def sealed(row: Any, field: str, value: str) -> str:
    """`value` encrypted for this column of this row."""
    return encrypt(value, context=place(row, field))


def keyed_print(text: str) -> str:
    """64 hex digits that tell the same secret from another one without telling it."""
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), "sha256").hexdigest()


def site_print(what: str, value: str) -> str:
    """Tells whether a value came before at the present site, without telling it: an HMAC under a key of the site's own.

    The same value has another print for another `what` and at another site.
    """
    key = hmac.new(settings.SECRET_KEY.encode(), f"prints of {require_site_id()}".encode(), "sha256").digest()
    return hmac.new(key, f"{what} {value}".encode(), "sha256").hexdigest()


def derived_key(secret: str) -> str:
    """A key pair for local use and tests, where no one configures keys."""
    return "local:" + base64.b64encode(hashlib.sha256(b"field encryption " + secret.encode()).digest()).decode()


def derived_anchor_key(secret: str) -> str:
    """The same for signing anchors (apps.core.anchors)."""
    return "local:" + base64.b64encode(hashlib.sha256(b"anchor signing " + secret.encode()).digest()).decode()
