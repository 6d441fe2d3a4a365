"""Clients that move money over HTTP while processes are killed, and what must be there afterwards (R1, R7).

Shared by the suite, which runs it small, and bin/bench --soak. A client writes down each answer it got; a call without an answer
is made again under the same Idempotency-Key until there is one. So the log of the clients says exactly what must be in the
database: no less (lost), no more (doubled).
"""

import contextlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from apps.accounts.models import Membership, User
from apps.accounts.services import create_api_key
from apps.accounts.tokens import AccessToken, issue_pair
from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.core.models import OutboxEvent
from apps.orders.models import Order
from apps.payouts.models import Payout
from apps.rbac.services import give_affiliate_role
from apps.referrals.tests.factories import make_chain
from apps.sites.selectors import current_site
from apps.wallet import selectors
from apps.wallet.models import Entry

MEMBERS, RATES = 24, ("0.10", "0.05", "0.025")
REUSED = 0.2
"""Part of the calls that are made once more after their answer: it must be the same answer, and move nothing."""
PATIENCE, TIMEOUT, HOURS = 240.0, 15.0, timedelta(hours=3)
KINDS = (("credit", 40), ("transfer", 25), ("order", 20), ("payout", 15))


@dataclass(frozen=True)
class Member:
    user_id: UUID
    access: str


@dataclass(frozen=True)
class Bank:
    """What the clients work with at one site."""

    code: str
    key: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Call:
    kind: str
    path: str
    body: dict[str, Any]
    authorization: str
    user_id: UUID | None = None
    key: str = field(default_factory=lambda: uuid4().hex)


@dataclass
class Log:
    """What was answered. `wrong` are answers that no kill excuses."""

    answered: list[tuple[Call, int, dict[str, Any]]] = field(default_factory=list)
    replayed: int = 0
    without_answer: int = 0
    wrong: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[Call, dict[str, Any]]]:
        return [(call, body) for call, status, body in self.answered if call.kind == kind and status in (200, 201)]


def open_bank() -> Bank:
    """Members in chains of four, a plan of three levels that approves by itself, a key for a server. At the present site."""
    make_plan(*percent(*RATES), approval="auto")
    members = []
    for _ in range(MEMBERS // 4):
        for partner in make_chain(4):
            user = User.objects.get(pk=partner.user_id)
            Membership.objects.get_or_create(user=user)
            give_affiliate_role(user=user)
            access = AccessToken(issue_pair(user=user, site=current_site())["access"])
            access.set_exp(lifetime=HOURS)  # a soak may take longer than a sign-in
            members.append(Member(user.pk, str(access)))
    scopes = ["orders.write", "payout.manage"]
    _, raw = create_api_key(name="soak", scopes=scopes, actor=SYSTEM, access=None)
    return Bank(current_site().code, raw, tuple(members))


def calls(bank: Bank, number: int, *, seed: int) -> Iterator[Call]:
    draw = random.Random(seed)
    names, weights = zip(*KINDS, strict=True)
    for kind in draw.choices(names, weights, k=number):
        yield _call(bank, kind, draw)


def _call(bank: Bank, kind: str, draw: random.Random) -> Call:
    member, server = draw.choice(bank.members), f"Api-Key {bank.key}"
    if kind == "credit":
        body = {
            "user_id": str(member.user_id), "amount": draw.randint(500, 5_000), "currency": "INR", "ref_type": "soak",
            "ref_id": uuid4().hex, "meta": {},
        }  # fmt: skip
        return Call(kind, "wallet/credits", body, server, member.user_id)
    if kind == "order":
        body = {
            "external_id": uuid4().hex, "customer": {"user_id": str(member.user_id)}, "currency": "INR",
            "lines": [{"category": "server", "amount": draw.randint(100, 100_000)}],
        }  # fmt: skip
        return Call(kind, "orders/external", body, server, member.user_id)
    mine = f"Bearer {member.access}"
    if kind == "transfer":
        body = {"from": "earnings", "to": "funds", "amount": draw.randint(1, 50)}
        return Call(kind, "wallet/transfers", body, mine, member.user_id)
    return Call("payout", "payouts/request", {"amount": draw.randint(1, 100)}, mine, member.user_id)


class Client(threading.Thread):
    """Makes its calls one after the other, each until it is answered; a payout it got is taken back at once."""

    def __init__(self, port: int, bank: Bank, todo: Sequence[Call], *, seed: int) -> None:
        super().__init__(daemon=True)
        self.port, self.bank, self.todo, self.log = port, bank, todo, Log()
        self.draw = random.Random(seed)
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        put_off: list[Call] = []
        for call in self.todo:
            put_off += self.go(call, patient=False)
        for call in put_off:
            self.go(call, patient=True)

    def go(self, call: Call, *, patient: bool) -> list[Call]:
        """Make it, and take back a payout that comes of it. Returns what is to be made later: a key that died with its worker is
        free again after a minute."""
        made = self.make(call, patient=patient)
        if made is None:
            return [call]
        if call.kind == "payout" and made[0] == 201:
            return self.go(
                Call("cancel", f"payouts/{made[1]['id']}/cancel", {}, call.authorization, call.user_id), patient=patient
            )
        return []

    def make(self, call: Call, *, patient: bool) -> tuple[int, dict[str, Any]] | None:
        """Until there is an answer; what was refused for good is one. None: its key is in use, and we are not patient."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self.ask(call)
            in_use = answer is not None and answer[1].get("code") == "idempotency_in_progress"
            if in_use and not patient:
                return None
            if answer is None or answer[0] >= 500 or in_use:
                self.log.without_answer += 1
                time.sleep(0.05 if answer is None else 0.5)
                continue
            status, body, _ = answer
            self.log.answered.append((call, status, body))
            if status in (200, 201) and self.draw.random() < REUSED:
                self.repeat(call, status, body)
            elif status not in (200, 201, 409):
                self.log.wrong.append(f"{call.kind}: {status} {body}")
            return status, body
        self.log.wrong.append(f"{call.kind}: no answer within {PATIENCE:.0f} s")
        return 0, {}

    def repeat(self, call: Call, status: int, body: dict[str, Any]) -> None:
        again = None
        while again is None or again[0] >= 500:
            again = self.ask(call)
        self.log.replayed += 1
        if again[:2] != (status, body) or not again[2]:
            self.log.wrong.append(f"{call.kind} repeated: {again} instead of {(status, body)}")

    def ask(self, call: Call) -> tuple[int, dict[str, Any], bool] | None:
        """(status, body, is it a replay?), or None where nobody answered."""
        headers = {
            "Authorization": call.authorization, "X-Site-Code": self.bank.code, "Content-Type": "application/json",
            "Idempotency-Key": call.key, "Host": "localhost",
        }  # fmt: skip
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            self.connection.request("POST", f"/api/v1/{call.path}", json.dumps(call.body).encode(), headers)
            response = self.connection.getresponse()
            text = response.read()
            return response.status, json.loads(text), response.headers.get("Idempotent-Replayed") == "true"
        except (OSError, http.client.HTTPException, ValueError):
            with contextlib.suppress(Exception):
                self.connection.close()  # type: ignore[union-attr]
            self.connection = None
            return None


def differences(logs: Sequence[Log]) -> list[str]:
    """What the database has and the clients' logs do not say, or the other way round. In the site's context, all worked off."""
    wrong = [text for log in logs for text in log.wrong]
    wrong += _credits(logs) + _transfers(logs) + _orders(logs) + _payouts(logs)
    wrong += [f"{problem}: {pk}" for problem, pk in selectors.contradictions()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT currency, SUM(amount) FROM wallet_posting GROUP BY currency HAVING SUM(amount) <> 0")
        wrong += [f"the postings of {currency} sum to {total}" for currency, total in cursor.fetchall()]
    return wrong


def _compare(what: str, said: Counter[Any], there: Counter[Any]) -> list[str]:
    lost, doubled = said - there, there - said
    told = [f"{sum(lost.values())} {what} lost: {list(lost)[:3]}"] if lost else []
    return told + ([f"{sum(doubled.values())} {what} too many: {list(doubled)[:3]}"] if doubled else [])


def _credits(logs: Sequence[Log]) -> list[str]:
    said = Counter((call.body["ref_id"]) for log in logs for call, _ in log.of("credit"))
    there = Counter(Entry.objects.filter(ref_type="soak").values_list("ref_id", flat=True))
    return _compare("credits", said, there)


def _transfers(logs: Sequence[Log]) -> list[str]:
    said = Counter(body["id"] for log in logs for _, body in log.of("transfer"))
    there = Counter(map(str, Entry.objects.filter(kind=Entry.Kind.TRANSFER).values_list("pk", flat=True)))
    return _compare("transfers", said, there)


def _orders(logs: Sequence[Log]) -> list[str]:
    said = Counter(call.body["external_id"] for log in logs for call, _ in log.of("order"))
    rows = list(Order.objects.values_list("external_id", "commissioned_at"))
    wrong = _compare("orders", said, Counter(external_id for external_id, _ in rows))
    late = sum(at is None for _, at in rows)
    levels = Counter(Commission.objects.values_list("order_id", "level"))
    twice = [key for key, number in levels.items() if number > 1]
    return (
        wrong
        + ([f"{late} orders without commissions"] if late else [])
        + [f"commissioned twice: {twice[:3]}"] * bool(twice)
    )


def _payouts(logs: Sequence[Log]) -> list[str]:
    said = Counter(body["id"] for log in logs for _, body in log.of("payout"))
    states = {str(pk): status for pk, status in Payout.objects.values_list("pk", "status")}
    wrong = _compare("payouts", said, Counter(list(states)))
    for log in logs:
        for call, _ in log.of("cancel"):
            pk = call.path.split("/")[1]
            if states.get(pk) != Payout.Status.CANCELLED:
                wrong.append(f"payout {pk} was taken back and is {states.get(pk)}")
    return wrong


def waiting() -> int:
    """Events that nobody has worked off yet."""
    return OutboxEvent.objects.filter(done_at=None, dead_at=None).count()
