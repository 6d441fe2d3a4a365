"""Fireblocks' own key: it signs webhooks, and the JWKS shows its public half."""

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jwt.algorithms import RSAAlgorithm
from jwt.api_jws import PyJWS

from fakes.fireblocks.store import Store

KID = "fake-webhook-key"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def detached(
    body: bytes, key: Any, *, kid: str = KID, algorithm: str = "RS512", headers: dict[str, Any] | None = None
) -> str:
    """header..signature: the payload is the body beside it."""
    whole = PyJWS().encode(body, key, algorithm=algorithm, headers={"kid": kid, **(headers or {})})
    head, _, signature = whole.split(".")
    return f"{head}..{signature}"


def legacy_signature(body: bytes, key: Any) -> str:
    return base64.b64encode(key.sign(body, padding.PKCS1v15(), hashes.SHA512())).decode()


class Signer:
    def __init__(self, store: Store) -> None:
        found = store.rows("SELECT pem FROM signing_key")
        if not found:
            store.rows("INSERT INTO signing_key VALUES (?)", private_pem(new_key()))
            found = store.rows("SELECT pem FROM signing_key")
        self.key: Any = serialization.load_pem_private_key(found[0][0].encode(), password=None)

    def headers(self, body: bytes, *, legacy: bool = False) -> dict[str, str]:
        found = {"Fireblocks-Webhook-Signature": detached(body, self.key)}
        if legacy:
            found["Fireblocks-Signature"] = legacy_signature(body, self.key)
        return found

    def jwks(self) -> dict[str, Any]:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": KID, "use": "sig", "alg": "RS512"}]}


def claims_of(token: str, public_key: str) -> dict[str, Any]:
    """Raises jwt.PyJWTError."""
    required = ["uri", "nonce", "iat", "exp", "sub", "bodyHash"]
    return dict(jwt.decode(token, public_key, algorithms=["RS256"], options={"require": required}))
