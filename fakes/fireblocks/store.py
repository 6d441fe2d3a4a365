"""Accounts, transactions and events on their way."""

from dataclasses import dataclass
from pathlib import Path

from fakes.memory import Memory

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    api_key TEXT PRIMARY KEY, public_key TEXT NOT NULL, workspace_id TEXT NOT NULL, webhook_url TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS signing_key (pem TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS nonce (
    api_key TEXT NOT NULL, nonce TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (api_key, nonce)
);
CREATE TABLE IF NOT EXISTS answer (
    api_key TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (api_key, key)
);
CREATE TABLE IF NOT EXISTS tx (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, api_key TEXT NOT NULL, external_id TEXT, body TEXT NOT NULL,
    step INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, is_over INTEGER NOT NULL DEFAULT 0, UNIQUE (api_key, external_id)
);
CREATE INDEX IF NOT EXISTS tx_due ON tx (is_over, due);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY, api_key TEXT NOT NULL, body TEXT NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (done, due);
CREATE TABLE IF NOT EXISTS request (
    number INTEGER PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, key TEXT NOT NULL, status INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class Account:
    """Whose API key it is, the public half of what signs their requests, and where they want their events."""

    api_key: str
    public_key: str
    workspace_id: str
    webhook_url: str


class Store(Memory):
    def __init__(self, path: Path | str) -> None:
        super().__init__(path, SCHEMA)

    def register(self, account: Account) -> None:
        self.rows("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)", *vars(account).values())

    def account(self, api_key: str) -> Account | None:
        found = self.rows("SELECT * FROM account WHERE api_key = ?", api_key)
        return Account(*found[0]) if found else None
