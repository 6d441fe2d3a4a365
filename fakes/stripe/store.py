"""Accounts, objects and events on their way."""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.memory import Memory

Body = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    secret_key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, publishable_key TEXT NOT NULL, name TEXT NOT NULL,
    webhook_url TEXT NOT NULL, webhook_secret TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS object (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_listed ON object (account, kind, number);
CREATE INDEX IF NOT EXISTS object_children ON object (parent, kind, number);
CREATE TABLE IF NOT EXISTS answer (
    account TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY, event TEXT NOT NULL, account TEXT NOT NULL, body TEXT NOT NULL, due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (done, due);
CREATE TABLE IF NOT EXISTS request (
    number INTEGER PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL,
    params TEXT NOT NULL, status INTEGER NOT NULL, replayed INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class Account:
    """Who a secret key belongs to, and where they want their events."""

    secret_key: str
    id: str
    publishable_key: str
    name: str
    webhook_url: str
    webhook_secret: str


class Store(Memory):
    """`seed` makes ids the same in every run."""

    def __init__(self, path: Path | str, *, seed: str = "") -> None:
        super().__init__(path, SCHEMA)
        self.seed, self.made = seed, 0

    def new_id(self, prefix: str) -> str:
        self.made += 1
        random = hashlib.sha256(f"{self.seed} {self.made}".encode()).hexdigest() if self.seed else secrets.token_hex(16)
        return f"{prefix}_{random[:24]}"

    # --- accounts ---
    def register(self, account: Account) -> None:
        with self.transaction():
            self.rows("DELETE FROM account WHERE secret_key = ? OR id = ?", account.secret_key, account.id)
            self.rows("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?)", *vars(account).values())

    def account_of_key(self, secret_key: str) -> Account | None:
        return self._account("secret_key", secret_key)

    def account(self, pk: str) -> Account | None:
        return self._account("id", pk)

    def accounts(self) -> list[Account]:
        return [Account(*row) for row in self.rows("SELECT * FROM account ORDER BY id")]

    def _account(self, column: str, value: str) -> Account | None:
        found = self.rows(f"SELECT * FROM account WHERE {column} = ?", value)  # noqa: S608 - one of two names of ours
        return Account(*found[0]) if found else None

    # --- objects ---
    def save(self, account: str, body: Body, *, parent: str = "") -> Body:
        """Insert, or replace what has the same id. `parent` is kept from the first time."""
        self.rows(
            "INSERT INTO object (id, account, kind, parent, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            body["id"], account, body["object"], parent, json.dumps(body),
        )  # fmt: skip
        return body

    def find(self, account: str, kind: str, pk: str) -> Body | None:
        found = self.rows("SELECT body FROM object WHERE id = ? AND account = ? AND kind = ?", pk, account, kind)
        return _body(found[0]) if found else None

    def owner_of(self, pk: str) -> str:
        """The account an object belongs to, or ""."""
        found = self.rows("SELECT account FROM object WHERE id = ?", pk)
        return str(found[0][0]) if found else ""

    def children(self, parent: str, kind: str) -> list[Body]:
        """Oldest first."""
        sql = "SELECT body FROM object WHERE parent = ? AND kind = ? ORDER BY number"
        return [_body(row) for row in self.rows(sql, parent, kind)]

    def listed(self, account: str, kind: str, *, limit: int = 10, after: str = "") -> list[Body]:
        """Newest first."""
        sql = "SELECT body FROM object WHERE account = ? AND kind = ? AND number < ? ORDER BY number DESC LIMIT ?"
        before = self.rows("SELECT number FROM object WHERE id = ?", after) if after else [(2**62,)]
        return [_body(row) for row in self.rows(sql, account, kind, before[0][0] if before else 0, limit)]

    # --- events on their way ---
    def queue(self, account: str, event: Body, due: float) -> None:
        self.rows(
            "INSERT INTO delivery (event, account, body, due) VALUES (?, ?, ?, ?)",
            event["id"], account, json.dumps(event), due,
        )  # fmt: skip

    def due(self, limit: int) -> list[tuple[int, str, str, int]]:
        """(number, account, body, tries) of what should be delivered now."""
        sql = (
            "SELECT number, account, body, tries FROM delivery WHERE done = 0 AND due <= ? ORDER BY due, number LIMIT ?"
        )
        return self.rows(sql, time.time(), limit)

    def delivered(self, number: int, *, done: bool, answer: str, due: float) -> None:
        sql = "UPDATE delivery SET done = ?, answer = ?, due = ?, tries = tries + 1 WHERE number = ?"
        self.rows(sql, int(done), answer[:200], due, number)

    def undelivered(self) -> int:
        return int(self.rows("SELECT count(*) FROM delivery WHERE done = 0")[0][0])


def _body(row: Any) -> Body:
    body: Body = json.loads(row[0])
    return body
