"""The HTTP of it: who asks, by which signature, and once per Idempotency-Key."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jwt

from fakes import serving
from fakes.fireblocks.custody import Custody, Refusal
from fakes.fireblocks.faults import Faults
from fakes.fireblocks.signing import claims_of
from fakes.fireblocks.store import Account, Store

MOST_BYTES = 1024 * 1024
MOST_SECONDS = 30


class FakeFireblocks(serving.Server):
    """Transactions that move by themselves and their events, until `close`."""

    def __init__(self, port: int = 0, state: Path | str = ":memory:") -> None:
        super().__init__(port, Handler)
        self.store = Store(state)
        self.faults = Faults()
        self.custody = Custody(self.store, self.faults)
        self.custody.start()

    def close(self) -> None:
        super().close()
        self.custody.stop()
        self.store.close()


class Handler(serving.Handler):
    """The API below /v1/, the public keys, and the switches below /_fake/."""

    server: FakeFireblocks

    def answer(self) -> None:
        size = self.headers.get("Content-Length", "0")
        if not size.isdigit() or int(size) > MOST_BYTES:
            self.close_connection = True
            return self.send_json(413, {"message": "Too large", "code": -1})
        self.body = self.rfile.read(int(size))
        try:
            if self.path.startswith("/v1/"):
                return self._api()
            if self.path == "/.well-known/jwks.json":
                return self.send_json(200, self.server.custody.signer.jwks())
            return self.send_json(200, self._switch())
        except Refusal as refusal:
            return self.send_json(refusal.status, refusal.body)
        except (ValueError, KeyError, TypeError) as error:
            return self.send_json(400, {"message": f"Bad request: {error}", "code": -1})

    # --- the API ---
    def _api(self) -> None:
        faults = self.server.faults
        account = self._account()
        if faults.happens("before_500"):
            return self.send_json(500, {"message": "Internal error", "code": -1})
        status, body = self._once(account)
        sql = "INSERT INTO request (method, path, key, status) VALUES (?, ?, ?, ?)"
        self.server.store.rows(sql, self.command, self.path, self.headers.get("Idempotency-Key", ""), status)
        if self.command == "POST" and status < 300:
            if faults.happens("after_commit_500"):
                return self.send_json(500, {"message": "Internal error", "code": -1})
            if faults.happens("after_commit_timeout"):
                time.sleep(faults.timeout_seconds)
                self.close_connection = True
                return None
        return self.send_json(status, body)

    def _account(self) -> Account:
        """Whose request this is. Raises Refusal, with the codes of Fireblocks."""
        account = self.server.store.account(self.headers.get("X-API-Key", ""))
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if account is None or scheme != "Bearer":
            raise Refusal(401, -7, "Unauthorized: missing or unknown API key")
        try:
            claims = claims_of(token, account.public_key)
        except jwt.PyJWTError as error:
            raise Refusal(401, -7, f"Unauthorized: JWT is invalid ({type(error).__name__})") from error
        if claims["sub"] != account.api_key or claims["uri"] != self.path:
            raise Refusal(401, -7, "Unauthorized: JWT is of another key or path")
        if claims["bodyHash"] != hashlib.sha256(self.body).hexdigest():
            raise Refusal(401, -7, "Unauthorized: JWT is of another body")
        if claims["exp"] - claims["iat"] > MOST_SECONDS:
            raise Refusal(401, -7, "Unauthorized: JWT lives too long")
        with self.server.store.transaction():
            self.server.store.rows("DELETE FROM nonce WHERE expires < ?", int(time.time()) - MOST_SECONDS)
            if self.server.store.rows(
                "SELECT 1 FROM nonce WHERE api_key = ? AND nonce = ?", account.api_key, claims["nonce"]
            ):
                raise Refusal(401, -7, "Unauthorized: nonce was used before")
            self.server.store.rows(
                "INSERT INTO nonce VALUES (?, ?, ?)", account.api_key, claims["nonce"], claims["exp"]
            )
        return account

    def _once(self, account: Account) -> tuple[int, Any]:
        """The answer, from before if the key is known. Effect, events and answer commit together."""
        store, key = self.server.store, self.headers.get("Idempotency-Key", "") if self.command == "POST" else ""
        print_of = hashlib.sha256(self.path.encode() + b"\0" + self.body).hexdigest()
        with store.transaction():
            known = store.rows(
                "SELECT fingerprint, status, body FROM answer WHERE api_key = ? AND key = ?", account.api_key, key
            )
            if key and known:
                if known[0][0] != print_of:
                    raise Refusal(400, 1423, "The idempotency key was used with another request")
                return known[0][1], json.loads(known[0][2])
            body = self._new(account)
            if key:
                values = (account.api_key, key, print_of, 200, json.dumps(body))
                store.rows("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", *values)
        return 200, body

    def _new(self, account: Account) -> Any:
        custody, parts = self.server.custody, urlsplit(self.path).path.split("/")[2:]
        if self.command == "POST" and parts == ["transactions"]:
            made = custody.create(account, json.loads(self.body))
            return {"id": made["id"], "status": made["status"]}
        if self.command == "GET" and parts == ["transactions"]:
            wanted = dict(parse_qsl(urlsplit(self.path).query))
            return custody.listed(account, after=int(wanted.get("after", 0)), limit=int(wanted.get("limit", 200)))
        if self.command == "GET" and parts[:2] == ["transactions", "external_tx_id"] and len(parts) == 3:
            return custody.find(account, "external_id", unquote(parts[2]))
        if self.command == "GET" and parts[:1] == ["transactions"] and len(parts) == 2:
            return custody.find(account, "id", unquote(parts[1]))
        raise Refusal(404, -1, "No such endpoint")

    # --- the switches ---
    def _switch(self) -> Any:
        """POST faults, accounts (an Account) and transactions/{id} {status, ...}; GET faults, transactions, deliveries."""
        server, parts = self.server, self.path.strip("/").split("/")
        if parts[0] != "_fake" or len(parts) < 2:
            raise Refusal(404, -1, "No such page")
        wanted = json.loads(self.body) if self.body else {}
        if parts[1] == "health":
            return {"waiting": server.store.rows("SELECT count(*) FROM delivery WHERE done = 0")[0][0]}
        if parts[1] == "faults":
            server.faults.set(wanted if self.command == "POST" else {})
            return server.faults.shown()
        if parts[1] == "accounts" and self.command == "POST":
            server.store.register(Account(**{name: str(wanted[name]) for name in Account.__dataclass_fields__}))
            return {"api_key": wanted["api_key"]}
        if parts[1] == "transactions" and self.command == "POST" and len(parts) == 3:
            return server.custody.set_state(parts[2], **wanted)
        if parts[1] == "transactions":
            return [
                json.loads(row[0]) for row in server.store.rows("SELECT body FROM tx ORDER BY number DESC LIMIT 1000")
            ]
        if parts[1] == "deliveries":
            names = ("body", "tries", "done", "answer")
            rows = server.store.rows("SELECT body, tries, done, answer FROM delivery ORDER BY number DESC LIMIT 1000")
            return [dict(zip(names, row, strict=True)) for row in rows]
        raise Refusal(404, -1, "No such switch")
