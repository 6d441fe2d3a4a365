"""Fireblocks over its REST API (https://developers.fireblocks.com/reference): what we need of it, and no more.

Each request carries X-API-Key and a JWT (RS256) over path and body that lives 25 seconds and is used once.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import requests
from django.conf import settings

from apps.custody.gateways import Credentials, Instruction, Refused, Reported, Stage, Unknown, plain

TIMEOUT = (3.05, 10)
"""Seconds to connect and to answer."""
TOKEN_SECONDS = 25
PAGE = 200
FAILED_STATES = ("FAILED", "REJECTED", "CANCELLED", "BLOCKED")
KNOWN_ALREADY = 1438
"""Fireblocks' code for an externalTxId that it has seen."""


class Fireblocks:
    """The gateway of one account. Connections are its own: it lives for one call or one batch."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the environment sees keys

    def send(self, instruction: Instruction) -> Reported:
        body = {
            "operation": "TRANSFER",
            "assetId": instruction.asset,
            "source": {"type": "VAULT_ACCOUNT", "id": self.credentials.vault_id},
            "destination": {"type": "ONE_TIME_ADDRESS", "oneTimeAddress": {"address": instruction.address}},
            "amount": plain(instruction.tokens),
            "externalTxId": instruction.external_tx_id,
            "note": instruction.note,
        }
        status, answer = self._call("POST", "/v1/transactions", body, key=instruction.external_tx_id)
        if status in (200, 201):
            return reported(answer | {"externalTxId": instruction.external_tx_id})
        if answer.get("code") == KNOWN_ALREADY:
            found = self.find(instruction.external_tx_id)
            if found is not None:
                return found
            raise Unknown("known to them, and not found")
        raise Refused(str(answer.get("message") or f"Fireblocks answered {status}")[:200])

    def find(self, external_tx_id: str) -> Reported | None:
        status, answer = self._call("GET", f"/v1/transactions/external_tx_id/{quote(external_tx_id, safe='')}")
        if status == 404:
            return None
        if status != 200:
            raise Unknown(f"Fireblocks answered {status}")
        return reported(answer)

    def records(self, since: datetime) -> Iterator[Reported]:
        """Oldest first. A page begins where the one before ended, so its first rows may be told twice."""
        after, told = int(since.timestamp() * 1000), set[str]()
        while True:
            query = urlencode({
                "after": after, "limit": PAGE, "orderBy": "createdAt", "sort": "ASC", "sourceType": "VAULT_ACCOUNT",
                "sourceId": self.credentials.vault_id,
            })  # fmt: skip
            status, page = self._call_any("GET", f"/v1/transactions?{query}")
            if status != 200 or not isinstance(page, list):
                raise Unknown(f"Fireblocks answered {status}")
            fresh = [row for row in page if row.get("id") not in told]
            yield from map(reported, fresh)
            told |= {row["id"] for row in fresh}
            if len(page) < PAGE or not fresh:
                return
            after = max(int(row.get("createdAt", after)) for row in page) - 1

    def _call(self, method: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, dict[str, Any]]:
        status, found = self._call_any(method, path, body, key=key)
        return status, found if isinstance(found, dict) else {}

    def _call_any(self, method: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, Any]:
        """(status, answer). What tells nothing about the transfer itself is Unknown: our keys, their limits, their faults."""
        content = json.dumps(body, separators=(",", ":")) if body is not None else ""
        headers = {
            "X-API-Key": self.credentials.api_key,
            "Authorization": f"Bearer {self._token(path, content)}",
            **({"Content-Type": "application/json", "Idempotency-Key": key} if key else {}),
        }
        try:
            answer = self.session.request(
                method, settings.FIREBLOCKS_API_BASE + path, data=content.encode() or None, headers=headers,
                timeout=TIMEOUT, allow_redirects=False,
            )  # fmt: skip
            found = answer.json() if answer.content else {}
        except (requests.RequestException, ValueError) as error:
            raise Unknown(type(error).__name__) from error
        if answer.status_code in (401, 403, 408, 409, 425, 429) or answer.status_code >= 500:
            raise Unknown(f"Fireblocks answered {answer.status_code}")
        return answer.status_code, found

    def _token(self, path: str, content: str) -> str:
        now = int(time.time())
        claims = {
            "uri": path, "nonce": str(uuid.uuid4()), "iat": now, "exp": now + TOKEN_SECONDS, "sub": self.credentials.api_key,
            "bodyHash": hashlib.sha256(content.encode()).hexdigest(),
        }  # fmt: skip
        return jwt.encode(claims, self.credentials.private_key, algorithm="RS256")


def reported(found: dict[str, Any]) -> Reported:
    """A transaction of Fireblocks', from an answer or an event. Raises Unknown when it is none."""
    pk, state = found.get("id"), found.get("status")
    if not isinstance(pk, str) or not isinstance(state, str) or not 0 < len(pk) <= 64:
        raise Unknown("this is no transaction")
    stage = Stage.COMPLETED if state == "COMPLETED" else Stage.FAILED if state in FAILED_STATES else Stage.ON_ITS_WAY
    failure = f"{state}: {found['subStatus']}" if found.get("subStatus") else state
    return Reported(
        provider_id=pk, external_tx_id=_text(found, "externalTxId") or "", stage=stage, state=state[:64],
        asset=_text(found, "assetId"), tokens=_amount(found), address=_text(found, "destinationAddress"),
        tx_hash=(_text(found, "txHash") or "")[:128], failure=failure[:200] if stage == Stage.FAILED else "",
    )  # fmt: skip


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) and value else None


def _amount(found: dict[str, Any]) -> Decimal | None:
    """The text in amountInfo is exact; the number beside it may have been a float on its way."""
    info = found.get("amountInfo")
    written = info.get("amount") if isinstance(info, dict) else None
    try:
        amount = Decimal(str(written if written is not None else found["amount"]))
    except (KeyError, InvalidOperation):
        return None
    return amount if amount.is_finite() else None
