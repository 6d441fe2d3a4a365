"""The routes of https://docs.stripe.com/api that the product uses."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from fakes.stripe import errors, transfers
from fakes.stripe.accounts import Accounts
from fakes.stripe.payments import Payments
from fakes.stripe.store import Body

Params = Mapping[str, Any]
LISTED = {
    "payment_intents": "payment_intent", "charges": "charge", "refunds": "refund", "disputes": "dispute", "events": "event",
}  # fmt: skip
MOST = 100

ROUTES: list[tuple[str, str, Callable[..., Body]]] = [
    ("GET", r"/v1/account", lambda to, params: _account(to)),
    ("POST", r"/v1/accounts", lambda to, params: connected(to).create(params) | {"object": "account"}),
    ("GET", r"/v1/accounts/(\w+)", lambda to, params, pk: connected(to).shown(pk)),
    ("POST", r"/v1/account_links", lambda to, params: connected(to).link(params, at=to.url)),
    ("POST", r"/v1/payment_intents", lambda to, params: to.create_intent(params)),
    ("GET", r"/v1/payment_intents/(\w+)", lambda to, params, pk: to.intent(pk)),
    ("POST", r"/v1/payment_intents/(\w+)/confirm", lambda to, params, pk: to.confirm(pk, params)),
    ("POST", r"/v1/payment_intents/(\w+)/cancel", lambda to, params, pk: to.cancel(pk, params)),
    ("GET", r"/v1/charges/(\w+)", lambda to, params, pk: to.charge(pk)),
    ("POST", r"/v1/refunds", lambda to, params: to.create_refund(params)),
    ("GET", r"/v1/refunds/(\w+)", lambda to, params, pk: to.refund(pk)),
    ("GET", r"/v1/disputes/(\w+)", lambda to, params, pk: to.dispute(pk)),
    ("POST", r"/v1/transfers", transfers.create),
    ("GET", r"/v1/transfers", transfers.listed),
    ("GET", r"/v1/transfers/(\w+)", lambda to, params, pk: transfers.find(to, pk)),
    ("POST", r"/v1/transfers/(\w+)/reversals", lambda to, params, pk: transfers.reverse(to, pk, params)),
    (
        "GET",
        r"/v1/(payment_intents|charges|refunds|disputes|events)",
        lambda to, params, kind: _listed(to, kind, params),
    ),
]


def call(payments: Payments, method: str, path: str, params: Params) -> Body:
    """Raises Refusal."""
    for wanted, pattern, act in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and wanted == method:
            return act(payments, params, *match.groups())
    raise errors.Refusal(404, f"Unrecognized request URL ({method}: {path}).")


def connected(payments: Payments) -> Accounts:
    return Accounts(payments.store, payments.account, payments.tell)


def _account(payments: Payments) -> Body:
    account = payments.account
    return {
        "id": account.id, "object": "account", "business_profile": {"name": account.name}, "charges_enabled": True,
        "payouts_enabled": True, "type": "standard",
    }  # fmt: skip


def _listed(payments: Payments, kind: str, params: Params) -> Body:
    """Newest first; of one charge or intent where the parameters say so."""
    limit = min(int(params.get("limit", 10)), MOST) if str(params.get("limit", "10")).isdigit() else 10
    after = str(params.get("starting_after", ""))
    rows = payments.store.listed(payments.account.id, LISTED[kind], limit=10_000, after=after)
    for name in ("charge", "payment_intent", "type"):
        if name in params:
            rows = [row for row in rows if row.get(name) == params[name]]
    return {"object": "list", "url": f"/v1/{kind}", "has_more": len(rows) > limit, "data": rows[:limit]}
