"""The HTTP of it: who asks, what they ask, once per Idempotency-Key."""

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fakes import serving
from fakes.stripe import api, errors, pages, switches
from fakes.stripe.delivery import Deliveries
from fakes.stripe.faults import Faults
from fakes.stripe.payments import Payments
from fakes.stripe.store import Account, Store

MOST_BYTES = 1024 * 1024


class FakeStripe(serving.Server):
    """Payments, transfers and their events, until `close`."""

    def __init__(self, port: int = 0, state: Path | str = ":memory:", *, seed: str = "") -> None:
        super().__init__(port, Handler)
        self.store = Store(state, seed=seed)
        self.faults = Faults()
        self.in_flight: set[tuple[str, str]] = set()  # (account, Idempotency-Key)
        self.deliveries = Deliveries(self.store, self.faults)
        self.deliveries.start()

    def close(self) -> None:
        super().close()
        self.deliveries.stop()
        self.store.close()

    def payments(self, account: Account) -> Payments:
        return Payments(self.store, account, self.deliveries.tell, slow_refunds=self.faults.slow_refunds, url=self.url)


class Handler(serving.Handler):
    """Routes by the first part of the path: the API, the switches, the pages."""

    server: FakeStripe

    def answer(self) -> None:
        self.url = urlsplit(self.path)
        size = self.headers.get("Content-Length", "0")
        if not size.isdigit() or int(size) > MOST_BYTES:
            self.close_connection = True
            return self.send_json(413, {"error": {"type": "invalid_request_error", "message": "Too large."}})
        self.body = self.rfile.read(int(size)).decode("utf-8", "replace")
        part = self.url.path.split("/")[1]
        try:
            if part == "v1":
                return self._api()
            if part == "_fake":
                return switches.answer(self)
            return pages.answer(self)
        finally:
            self.server.deliveries.wake()

    # --- the API ---
    def _api(self) -> None:
        faults = self.server.faults
        account = self.server.store.account_of_key(self._secret_key())
        if account is None:
            shown = self._secret_key()[:8] + "***"
            return self._send_refusal(errors.Refusal(401, f"Invalid API Key provided: {shown}"))
        if faults.happens("before_500"):
            return self.send_json(500, _broken())
        if faults.happens("before_403"):
            return self._send_refusal(errors.forbidden())
        status, body, replayed = self._alone(account)
        headers = {"Request-Id": self.server.store.new_id("req")} | (
            {"Idempotent-Replayed": "true"} if replayed else {}
        )
        self.server.deliveries.wake()
        if self.command == "POST" and status < 400 and not replayed:
            if faults.happens("after_commit_500"):
                status, body = 500, _broken()
            elif faults.happens("after_commit_timeout"):
                time.sleep(faults.timeout_seconds)
                self.close_connection = True
                return None
        return self.send_json(status, body, headers)

    def _alone(self, account: Account) -> tuple[int, Any, bool]:
        """While one request is under way, another with its key is told so."""
        mine = (account.id, self.headers.get("Idempotency-Key", "") if self.command == "POST" else "")
        with self.server.store.lock:
            if mine[1] and mine in self.server.in_flight:
                return 409, _busy(), False
            self.server.in_flight.add(mine)
        try:
            time.sleep(self.server.faults.delay_seconds)
            return self._once(account)
        finally:
            self.server.in_flight.discard(mine)

    def _once(self, account: Account) -> tuple[int, Any, bool]:
        """The answer, from before if the key is known. Effect, events and answer commit together."""
        store, key = self.server.store, self.headers.get("Idempotency-Key", "") if self.command == "POST" else ""
        params = decode(self.body if self.command == "POST" else self.url.query)
        print_of = hashlib.sha256(f"{self.url.path}\0{json.dumps(params, sort_keys=True)}".encode()).hexdigest()
        with store.transaction():
            known = store.rows(
                "SELECT fingerprint, status, body FROM answer WHERE account = ? AND key = ?", account.id, key
            )
            if key and known:
                status, body, replayed = self._replayed(key, print_of, *known[0])
            else:
                status, body, keep = self._new(account, params)
                replayed = False
                if key and keep:
                    values = (account.id, key, print_of, status, json.dumps(body))
                    store.rows("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", *values)
            store.rows(
                "INSERT INTO request (method, path, account, key, params, status, replayed) VALUES (?, ?, ?, ?, ?, ?, ?)",
                self.command, self.url.path, account.id, key, json.dumps(params), status, int(replayed),
            )  # fmt: skip
        return status, body, replayed

    def _replayed(self, key: str, print_of: str, known: str, status: int, body: str) -> tuple[int, Any, bool]:
        if print_of == known:
            return status, json.loads(body), True
        message = (
            f"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using "
            f"a key other than '{key}' if you meant to execute a different request."
        )
        return 400, errors.Refusal(400, message, kind="idempotency_error").body, False

    def _new(self, account: Account, params: Mapping[str, Any]) -> tuple[int, Any, bool]:
        try:
            body = api.call(self.server.payments(account), self.command, self.url.path, params)
            return 200, body, True
        except errors.Refusal as refusal:
            return refusal.status, refusal.body, refusal.keep

    def _secret_key(self) -> str:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return value.strip()
        try:
            return base64.b64decode(value).decode().partition(":")[0] if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            return ""

    # --- answers ---
    def _send_refusal(self, refusal: errors.Refusal) -> None:
        self.send_json(refusal.status, refusal.body)


def _broken() -> Any:
    return errors.Refusal(500, "An unexpected error occurred.", kind="api_error").body


def _busy() -> Any:
    message = "There is currently another in-progress request using this Idempotent Key. Please try again later."
    return errors.Refusal(409, message, kind="idempotency_error", code="idempotency_key_in_use").body


def decode(text: str) -> dict[str, Any]:
    """Stripe's form: metadata[order]=1 is {"metadata": {"order": "1"}}, and so deep."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        place, steps = found, [first, *rest]
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        place[steps[-1]] = value
    return found
