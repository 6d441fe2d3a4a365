"""Funds that pay for something here, and their way back."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core.errors import Conflict
from apps.wallet.models import Books, Entry, Pocket
from apps.wallet.services.accounts import lock, open_accounts, system_account
from apps.wallet.services.entries import Draft, post


def insufficient_funds() -> Conflict:
    return Conflict("insufficient_funds", "There are not enough funds for this.")


@transaction.atomic
def charge_funds(*, user_id: UUID, amount: int, currency: str, ref_id: str, meta: dict[str, Any]) -> Entry:
    """Funds → activity revenue, once per `ref_id`. Raises Conflict insufficient_funds, IntegrityError (charged before)."""
    funds = open_accounts([user_id], (Pocket.FUNDS,), currency)[user_id, Pocket.FUNDS]
    if lock([funds])[funds] < amount:
        raise insufficient_funds()
    book = system_account(Books.ACTIVITIES, currency)
    lines = [(funds, -amount), (book, amount)]
    return post([Draft(Entry.Kind.ACTIVITY, f"activity:{ref_id}:charge", lines, "activity", ref_id, meta)], currency)[0]


@transaction.atomic
def refund_funds(*, user_id: UUID, amount: int, currency: str, ref_id: str, meta: dict[str, Any]) -> Entry:
    """The same money back, once. Raises IntegrityError (refunded before)."""
    funds = open_accounts([user_id], (Pocket.FUNDS,), currency)[user_id, Pocket.FUNDS]
    lock([funds])
    book = system_account(Books.ACTIVITIES, currency)
    lines = [(funds, amount), (book, -amount)]
    return post([Draft(Entry.Kind.REVERSAL, f"activity:{ref_id}:refund", lines, "activity", ref_id, meta)], currency)[0]
