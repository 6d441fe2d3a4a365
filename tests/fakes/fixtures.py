"""One running fake per test that asks, on a port of its own. Registered as a plugin by the root conftest."""

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fakes.stripe.server import FakeStripe


@dataclass
class StripeHandle:
    """What a test does with the fake: its switches over HTTP, and what it remembers."""

    server: FakeStripe

    @property
    def url(self) -> str:
        return self.server.url

    def post(self, path: str, **data: Any) -> Any:
        body = json.dumps(data).encode()
        request = urllib.request.Request(f"{self.url}/_fake/{path}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_fake/{path}", timeout=30) as answer:
            return json.load(answer)

    def register(self, code: str = "ALPHA", *, webhook_url: str = "") -> dict[str, str]:
        """An account for a site; its keys are made of the site's code."""
        keys = {
            "account": f"acct_{code}", "secret_key": f"sk_test_{code}", "publishable_key": f"pk_test_{code}",
            "webhook_secret": f"whsec_{code}",
        }  # fmt: skip
        self.post("accounts", webhook_url=webhook_url, name=code, **keys)
        return keys

    def faults(self, **wanted: Any) -> None:
        self.post("faults", **wanted)

    def pay(self, intent: str, *, method: str = "pm_card_visa") -> Any:
        return self.post(f"payment_intents/{intent}/confirm", payment_method=method)

    def wait_delivered(self, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while waiting := self.get("health")["waiting"]:
            assert time.monotonic() < until, f"{waiting} events wait; {self.get('deliveries')[-1]}"
            time.sleep(0.02)


@pytest.fixture
def fake_stripe() -> Iterator[StripeHandle]:
    server = FakeStripe().start()
    yield StripeHandle(server)
    server.stop()
