"""Transactions: made, moved through their states, told of."""

import hashlib
import json
import threading
import time
import traceback
import urllib.error
import urllib.request
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from fakes.fireblocks.faults import Faults
from fakes.fireblocks.signing import Signer
from fakes.fireblocks.store import Account, Store

STEPS = ("SUBMITTED", "PENDING_SIGNATURE", "BROADCASTING", "CONFIRMING", "COMPLETED")
HELD = "PENDING_AUTHORIZATION"  # waits for a person at the custodian, however long
NEVER = 1e12
OVER = ("COMPLETED", "FAILED", "REJECTED", "CANCELLED", "BLOCKED")
RETRY_SECONDS = (1, 3, 10, 30, 60)


class Refusal(Exception):
    """An answer in Fireblocks' shape."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"message": message, "code": code}


class Custody:
    """`run` moves what is due and delivers events, until `stop`."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store, self.faults, self.signer = store, faults, Signer(store)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    # --- what the API does ---
    def create(self, account: Account, wanted: dict[str, Any]) -> dict[str, Any]:
        """Raises Refusal."""
        external_id = wanted.get("externalTxId")
        known = "SELECT 1 FROM tx WHERE api_key = ? AND external_id = ?"
        if external_id and self.store.rows(known, account.api_key, external_id):
            raise Refusal(400, 1438, "The external tx id that was provided in the request, already exists")
        address = wanted.get("destination", {}).get("oneTimeAddress", {}).get("address")
        try:
            amount = Decimal(str(wanted["amount"]))
        except (KeyError, InvalidOperation):
            amount = Decimal(0)
        if not amount.is_finite() or amount <= 0 or not address or not wanted.get("assetId"):
            raise Refusal(400, 1400, "The transaction's amount, asset or destination is invalid")
        now = int(time.time() * 1000)
        body = {
            "id": str(uuid.uuid4()), "externalTxId": external_id, "status": STEPS[0], "subStatus": "", "txHash": "",
            "operation": "TRANSFER", "assetId": wanted["assetId"], "source": wanted.get("source"),
            "destination": {"type": "ONE_TIME_ADDRESS", "id": ""}, "destinationAddress": address, "amount": float(amount),
            "amountInfo": {"amount": str(wanted["amount"])}, "note": wanted.get("note", ""), "createdAt": now, "lastUpdated": now,
        }  # fmt: skip
        due = time.time() + self.faults.step_seconds
        sql = "INSERT INTO tx (id, api_key, external_id, body, due) VALUES (?, ?, ?, ?, ?)"
        self.store.rows(sql, body["id"], account.api_key, external_id, json.dumps(body), due)
        self._tell(account.api_key, "transaction.created", body)
        return body

    def find(self, account: Account, column: str, value: str) -> dict[str, Any]:
        """By `id` or `external_id`. Raises Refusal."""
        sql = f"SELECT body FROM tx WHERE api_key = ? AND {column} = ?"  # noqa: S608 - one of two names of ours
        found = self.store.rows(sql, account.api_key, value)
        if not found:
            raise Refusal(404, 1404, "The transaction was not found")
        return dict(json.loads(found[0][0]))

    def listed(self, account: Account, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Made after this moment (milliseconds), oldest first."""
        rows = self.store.rows("SELECT body FROM tx WHERE api_key = ? ORDER BY number", account.api_key)
        found = (json.loads(row[0]) for row in rows)
        return [body for body in found if body["createdAt"] > after][:limit]

    def set_state(self, tx_id: str, **news: Any) -> dict[str, Any]:
        """Put a transaction into a state, as its staff, a policy or a chain might. Raises Refusal."""
        with self.store.transaction():
            found = self.store.rows("SELECT api_key, body FROM tx WHERE id = ?", tx_id)
            if not found:
                raise Refusal(404, 1404, "The transaction was not found")
            api_key, body = found[0][0], json.loads(found[0][1]) | news | {"lastUpdated": int(time.time() * 1000)}
            if body["status"] == "COMPLETED" and not body["txHash"]:
                body["txHash"] = "0x" + hashlib.sha256(body["id"].encode()).hexdigest()
            is_over = int(body["status"] in OVER)
            due = NEVER if body["status"] == HELD else time.time() + self.faults.step_seconds
            sql = "UPDATE tx SET body = ?, is_over = ?, due = ? WHERE id = ?"
            self.store.rows(sql, json.dumps(body), is_over, due, tx_id)
            self._tell(api_key, "transaction.status.updated", body)
        return dict(body)

    # --- time passing ---
    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(timeout=10)

    def _run(self) -> None:
        while not self.stopped.wait(0.05):
            try:
                self.advance()
                self.deliver()
            except Exception:  # a fault of ours must not stop the clock
                traceback.print_exc()

    def advance(self) -> None:
        if self.faults.hold_transactions:
            return
        due = self.store.rows(
            "SELECT id, step FROM tx WHERE is_over = 0 AND due <= ? ORDER BY due LIMIT 200", time.time()
        )
        for tx_id, step in due:
            following = STEPS[min(step + 1, len(STEPS) - 1)]
            fails = following == "COMPLETED" and self.faults.happens("fail")
            self.set_state(
                tx_id, **({"status": "FAILED", "subStatus": "INSUFFICIENT_FUNDS"} if fails else {"status": following})
            )
            self.store.rows("UPDATE tx SET step = ? WHERE id = ?", step + 1, tx_id)

    # --- events ---
    def _tell(self, api_key: str, kind: str, body: dict[str, Any]) -> None:
        account = self.store.account(api_key)
        event = {
            "id": str(uuid.uuid4()), "eventType": kind, "createdAt": int(time.time() * 1000), "resourceId": body["id"],
            "workspaceId": account.workspace_id if account else "", "data": body,
        }  # fmt: skip
        for _ in range(1 + self.faults.duplicate):
            due = time.time() + self.faults.chance.random() * self.faults.shuffle_seconds
            sql = "INSERT INTO delivery (api_key, body, due) VALUES (?, ?, ?)"
            self.store.rows(sql, api_key, json.dumps(event), due)

    def deliver(self) -> None:
        if self.faults.hold_events:
            return
        sql = "SELECT number, api_key, body, tries FROM delivery WHERE done = 0 AND due <= ? ORDER BY due, number LIMIT 50"
        for number, api_key, body, tries in self.store.rows(sql, time.time()):
            account = self.store.account(api_key)
            done, said = self._post(account, body.encode()) if account and account.webhook_url else (True, "nowhere")
            over = done or tries + 1 >= len(RETRY_SECONDS)
            due = time.time() + RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
            update = "UPDATE delivery SET done = ?, answer = ?, due = ?, tries = tries + 1 WHERE number = ?"
            self.store.rows(update, int(over), said[:200], due, number)

    def _post(self, account: Account, body: bytes) -> tuple[bool, str]:
        headers = {"Content-Type": "application/json", **self.signer.headers(body, legacy=self.faults.legacy_signature)}
        where = account.webhook_url  # registered by us
        request = urllib.request.Request(where, data=body, headers=headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return True, f"{answer.status} {answer.read(500).decode(errors='replace')}"
        except urllib.error.HTTPError as error:
            return False, f"{error.code} {error.read(500).decode(errors='replace')}"
        except OSError as error:
            return False, type(error).__name__
