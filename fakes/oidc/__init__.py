"""An issuer of identities on loopback: keys that rotate, and tokens about whomever one asks for."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class FakeIssuer:
    """`url` is the issuer; `asked` counts how often its keys were fetched; `fault` breaks its answers ("down", "nonsense")."""

    def __init__(self, audience: str = "upline") -> None:
        self.audience, self.asked, self.fault = audience, 0, ""
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def rotate(self, *, keep: bool = False) -> None:
        """A new key signs; the ones before are known for longer only if kept."""
        self.kid = uuid4().hex
        before = self._keys if keep else {}
        self._keys = {**before, self.kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def token(
        self, *, headers: dict[str, Any] | None = None, key: Any = None, algorithm: str = "RS256", **claims: Any
    ) -> str:
        """Signed and fresh; a claim of None is left out."""
        now = int(time.time())
        told = {"iss": self.url, "aud": self.audience, "iat": now, "exp": now + 600, "sub": "auth0|1"} | claims
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(
            told, key or self._keys[self.kid], algorithm=algorithm, headers={"kid": self.kid} | (headers or {})
        )

    def public_pem(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        public = self._keys[self.kid].public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _jwks(self) -> dict[str, Any]:
        algorithm = jwt.algorithms.RSAAlgorithm
        return {
            "keys": [
                json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "use": "sig", "alg": "RS256"}
                for kid, key in self._keys.items()
            ]
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/.well-known/jwks.json":
                    self.send_error(404)
                    return
                issuer.asked += 1
                if issuer.fault == "down":
                    self.send_error(503)
                    return
                body = b"<html>" if issuer.fault == "nonsense" else json.dumps(issuer._jwks()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        return Handler
