"""/_fake/: what tests and the demo want of it and Stripe has no route for. JSON in, JSON out."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakes.stripe import errors
from fakes.stripe.api import connected
from fakes.stripe.payments import Payments
from fakes.stripe.store import Account

if TYPE_CHECKING:
    from fakes.stripe.server import FakeStripe, Handler

Act = Callable[..., Any]


def answer(handler: "Handler") -> None:
    try:
        data = json.loads(handler.body or "{}")
        with handler.server.store.transaction():
            found = _act(handler, data)
        handler.send_json(200, found)
    except errors.Refusal as refusal:
        handler.send_json(refusal.status, refusal.body)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        handler.send_json(400, errors.Refusal(400, f"{type(error).__name__}: {error}").body)


def _act(handler: "Handler", data: dict[str, Any]) -> Any:
    for method, pattern, act in ROUTES:
        match = re.fullmatch(pattern, handler.url.path)
        if match and method == handler.command:
            return act(handler.server, data, *match.groups())
    raise errors.Refusal(404, f"Unrecognized request URL ({handler.command}: {handler.url.path}).")


def _register(server: "FakeStripe", data: dict[str, Any]) -> Any:
    """The same account again replaces it."""
    server.store.register(
        Account(
            secret_key=data["secret_key"], id=data["account"], publishable_key=data["publishable_key"],
            name=data.get("name", data["account"]), webhook_url=data.get("webhook_url", ""),
            webhook_secret=data.get("webhook_secret", ""),
        )
    )  # fmt: skip
    return {"account": data["account"]}


def _of(server: "FakeStripe", pk: str) -> Payments:
    account = server.store.account(server.store.owner_of(pk))
    if account is None:
        raise errors.missing("object", pk)
    return server.payments(account)


def _open_dispute(server: "FakeStripe", data: dict[str, Any]) -> Any:
    return _of(server, data.get("charge") or data["payment_intent"]).open_dispute(data)


def _confirm(server: "FakeStripe", data: dict[str, Any], pk: str) -> Any:
    """What the browser does with a publishable key. A refused card answers 402 and is kept nevertheless."""
    try:
        return _of(server, pk).confirm(pk, {"payment_method": data.get("payment_method", "pm_card_visa")})
    except errors.Refusal as refusal:
        if not refusal.keep:
            raise
        return refusal.body


def _requests(server: "FakeStripe", data: dict[str, Any]) -> Any:
    names = ("method", "path", "account", "key", "params", "status", "replayed")
    rows = server.store.rows(f"SELECT {', '.join(names)} FROM request ORDER BY number")  # noqa: S608 - names of ours
    return [
        dict(zip(names, row, strict=True)) | {"params": json.loads(row[4]), "replayed": bool(row[6])} for row in rows
    ]


def _deliveries(server: "FakeStripe", data: dict[str, Any]) -> Any:
    names = ("event", "account", "tries", "done", "answer")
    return [
        dict(zip(names, row, strict=True)) | {"done": bool(row[3])}
        for row in server.store.rows(f"SELECT {', '.join(names)} FROM delivery ORDER BY number")  # noqa: S608
    ]


def _redeliver(server: "FakeStripe", data: dict[str, Any]) -> Any:
    """Everything again, `times` over."""
    for _ in range(int(data.get("times", 1))):
        server.store.rows(
            "INSERT INTO delivery (event, account, body, due) SELECT DISTINCT event, account, body, 0 FROM delivery"
        )
    return {"waiting": server.store.undelivered()}


def _fill_in(server: "FakeStripe", data: dict[str, Any], pk: str) -> Any:
    """What the owner of a connected account does on Stripe's page, and what Stripe makes of it."""
    return connected(_of(server, pk)).fill_in(pk, data.get("outcome", "ready"))


def _faults(server: "FakeStripe", data: dict[str, Any]) -> Any:
    server.faults.set(data)
    return server.faults.shown()


def _settle(server: "FakeStripe", data: dict[str, Any], pk: str) -> Any:
    return _of(server, pk).settle(pk, succeeded=data["status"] == "succeeded")


def _end_refund(server: "FakeStripe", data: dict[str, Any], pk: str) -> Any:
    return _of(server, pk).end_refund(pk, succeeded=data["status"] == "succeeded")


def _close_dispute(server: "FakeStripe", data: dict[str, Any], pk: str) -> Any:
    return _of(server, pk).close_dispute(pk, data["status"])


ROUTES: list[tuple[str, str, Act]] = [
    ("GET", r"/_fake/health", lambda server, data: {"waiting": server.store.undelivered()}),
    ("POST", r"/_fake/accounts", _register),
    ("POST", r"/_fake/accounts/(\w+)/fill_in", _fill_in),
    ("POST", r"/_fake/faults", _faults),
    ("GET", r"/_fake/requests", _requests),
    ("GET", r"/_fake/deliveries", _deliveries),
    ("POST", r"/_fake/deliveries", _redeliver),
    ("POST", r"/_fake/payment_intents/(\w+)/confirm", _confirm),
    ("POST", r"/_fake/payment_intents/(\w+)", _settle),
    ("POST", r"/_fake/refunds/(\w+)", _end_refund),
    ("POST", r"/_fake/disputes", _open_dispute),
    ("POST", r"/_fake/disputes/(\w+)/close", _close_dispute),
]
