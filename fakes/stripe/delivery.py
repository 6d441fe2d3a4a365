"""Events on their way: signed as Stripe signs them, tried again until somebody answers 2xx."""

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress

from fakes.stripe.faults import Faults
from fakes.stripe.store import Body, Store

API_VERSION = "2026-06-24.dahlia"
TIMEOUT = 10.0  # seconds
LONGEST_WAIT = 10.0  # Stripe waits hours between tries; a demo does not
MOST_TRIES = 60
THREADS = 4


def sign(body: str, secret: str, at: int) -> str:
    """The header Stripe-Signature (https://docs.stripe.com/webhooks/signature)."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Deliveries:
    """Queued with the change they tell of, sent by a few threads."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store, self.faults = store, faults
        self.news = threading.Condition()
        self.taken: set[int] = set()
        self.stopped = False
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        with self.news:
            self.stopped = True
            self.news.notify_all()
        for thread in self.threads:
            thread.join(TIMEOUT)

    def tell(self, account: str, kind: str, body: Body, connected: str = "") -> None:
        """Inside the transaction of the change. `connected`: whose change it is, of the account's connected ones."""
        event = self._event(kind, body) | ({"account": connected} if connected else {})
        self.store.save(account, event)
        for _ in range(1 + self.faults.duplicate):
            self.store.queue(account, event, self._due())
        if self.faults.happens("second_id"):
            again = event | {"id": self.store.new_id("evt")}
            self.store.save(account, again)
            self.store.queue(account, again, self._due())

    def _event(self, kind: str, body: Body) -> Body:
        return {
            "id": self.store.new_id("evt"), "object": "event", "api_version": API_VERSION, "created": int(time.time()),
            "data": {"object": body}, "livemode": False, "pending_webhooks": 1,
            "request": {"id": self.store.new_id("req"), "idempotency_key": None}, "type": kind,
        }  # fmt: skip

    def _due(self) -> float:
        return time.time() + (random.uniform(0, self.faults.shuffle_seconds) if self.faults.shuffle else 0.0)  # noqa: S311

    def wake(self) -> None:
        """After the commit."""
        with self.news:
            self.news.notify_all()

    def _work(self) -> None:
        while True:
            taken = self._take()
            if taken is None:
                return
            number, account, body, tries = taken
            answer, done = self._send(account, body)
            wait = min(0.2 * 2**tries, LONGEST_WAIT)
            with suppress(Exception):  # the store may be closed meanwhile
                self.store.delivered(
                    number, done=done or tries + 1 >= MOST_TRIES, answer=answer, due=time.time() + wait
                )
            with self.news:
                self.taken.discard(number)

    def _take(self) -> tuple[int, str, str, int] | None:
        with self.news:
            while not self.stopped:
                if not self.faults.hold_events:
                    free = [row for row in self.store.due(len(self.taken) + 1) if row[0] not in self.taken]
                    if free:
                        self.taken.add(free[0][0])
                        return free[0]
                self.news.wait(0.05)
        return None

    def _send(self, account_id: str, body: str) -> tuple[str, bool]:
        account = self.store.account(account_id)
        if account is None or not account.webhook_url:
            return "nobody listens", True
        request = urllib.request.Request(account.webhook_url, data=body.encode(), method="POST")  # noqa: S310 - registered by us
        request.add_header("Content-Type", "application/json; charset=utf-8")
        request.add_header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        # What connected accounts do goes to an endpoint of its own, whose secret is the other one's with a word behind it.
        secret = account.webhook_secret + ("connect" if json.loads(body).get("account") else "")
        request.add_header("Stripe-Signature", sign(body, secret, int(time.time())))
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return str(answer.status), True
        except urllib.error.HTTPError as error:
            with error:
                return str(error.code), False
        except (OSError, http.client.HTTPException) as error:
            return str(error), False
