"""Writing entries. The database checks that they balance, seals them and moves the balances."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.wallet.errors import insufficient_balance
from apps.wallet.models import Entry, Posting


@dataclass
class Draft:
    """An entry to be written: `lines` are (account, signed amount) and sum to zero."""

    kind: str
    key: str
    lines: list[tuple[UUID, int]]
    ref_type: str = ""
    ref_id: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


def post(drafts: Sequence[Draft], currency: str) -> list[Entry]:
    """Write entries and postings, two statements however many they are.

    Raises Conflict insufficient_balance (a pocket would go below zero) and IntegrityError (a key that was posted before).
    """
    entries = [
        Entry(kind=draft.kind, key=draft.key, ref_type=draft.ref_type, ref_id=draft.ref_id, meta=draft.meta)
        for draft in drafts
    ]
    postings = [
        Posting(entry=entry, account_id=account, currency=currency, amount=amount)
        for entry, draft in zip(entries, drafts, strict=True)
        for account, amount in draft.lines
        if amount
    ]
    try:
        with transaction.atomic():
            Entry.objects.bulk_create(entries)
            # One statement: a batch that split an entry would look unbalanced to the trigger.
            Posting.objects.bulk_create(postings)
    except IntegrityError as error:
        if constraint(error) == "wallet_balance_not_overdrawn":
            raise insufficient_balance() from error
        raise
    return entries


def constraint(error: IntegrityError) -> str:
    """The name of the constraint that refused, or ''."""
    diag = getattr(error.__cause__, "diag", None)
    return str(getattr(diag, "constraint_name", "") or "")
