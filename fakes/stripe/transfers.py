"""Transfers to connected accounts (https://docs.stripe.com/api/transfers): done when made, perhaps reversed later."""

import time
from collections.abc import Mapping
from typing import Any

from fakes.stripe import errors
from fakes.stripe.payments import Payments
from fakes.stripe.store import Body

KNOWN = {"amount", "currency", "destination", "transfer_group", "metadata", "description", "source_transaction"}
CLOSED = "closed"  # an account whose id says so takes nothing
MOST = 100


def create(to: Payments, params: Mapping[str, Any]) -> Body:
    unknown = sorted(set(params) - KNOWN)
    if unknown:
        raise errors.Refusal(
            400, f"Received unknown parameter: {unknown[0]}", code="parameter_unknown", param=unknown[0]
        )
    amount, destination = str(params.get("amount", "")), str(params.get("destination", ""))
    if not amount.isdigit() or not int(amount):
        raise errors.invalid("Invalid integer", "amount")
    if not destination.startswith("acct_") or CLOSED in destination:
        raise errors.Refusal(400, f"No such destination: '{destination}'", code="resource_missing", param="destination")
    group = str(params.get("transfer_group", ""))
    made: Body = {
        "id": to.store.new_id("tr"), "object": "transfer", "amount": int(amount), "amount_reversed": 0,
        "balance_transaction": to.store.new_id("txn"), "created": int(time.time()), "currency": str(params.get("currency", "")),
        "description": params.get("description"), "destination": destination, "livemode": False,
        "metadata": params.get("metadata", {}), "reversed": False, "transfer_group": group or None,
    }  # fmt: skip
    to.store.save(to.account.id, made, parent=group)
    to.tell(to.account.id, "transfer.created", made)
    return made


def find(to: Payments, pk: str) -> Body:
    found = to.store.find(to.account.id, "transfer", pk)
    if found is None:
        raise errors.missing("transfer", pk)
    return found


def reverse(to: Payments, pk: str, params: Mapping[str, Any]) -> Body:
    """All of it, or `amount`."""
    made = find(to, pk)
    rest = made["amount"] - made["amount_reversed"]
    amount = int(params.get("amount", rest))
    if not 0 < amount <= rest:
        raise errors.invalid("The amount is more than is left of the transfer", "amount")
    made["amount_reversed"] += amount
    made["reversed"] = made["amount_reversed"] == made["amount"]
    to.store.save(to.account.id, made)
    to.tell(to.account.id, "transfer.reversed", made)
    return {"id": to.store.new_id("trr"), "object": "transfer_reversal", "amount": amount, "transfer": pk}


def listed(to: Payments, params: Mapping[str, Any]) -> Body:
    """Newest first, of one group, or made since."""
    limit = min(int(params.get("limit", 10)), MOST)
    if params.get("transfer_group"):
        mine = [row for row in to.store.children(params["transfer_group"], "transfer") if _is_of(to, row)]
        return {"object": "list", "url": "/v1/transfers", "has_more": False, "data": mine[::-1][:limit]}
    rows = to.store.listed(to.account.id, "transfer", limit=limit + 1, after=str(params.get("starting_after", "")))
    created = params.get("created")
    since = int(created.get("gte", 0)) if isinstance(created, dict) else 0
    page = [row for row in rows[:limit] if row["created"] >= since]
    more = len(rows) > limit and len(page) == limit
    return {"object": "list", "url": "/v1/transfers", "has_more": more, "data": page}


def _is_of(to: Payments, row: Body) -> bool:
    return to.store.owner_of(row["id"]) == to.account.id
