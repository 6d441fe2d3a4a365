"""Money that comes into earnings, and money that a refund takes back."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core.money import require_same_currency
from apps.wallet.models import Entry, Lot, Pocket
from apps.wallet.services import lots
from apps.wallet.services.accounts import PAYABLE, lock, open_accounts, system_account
from apps.wallet.services.entries import Draft, post


@dataclass(frozen=True)
class Credit:
    """`amount` > 0 minor units for a user, once per (ref_type, ref_id)."""

    user_id: UUID
    amount: int
    currency: str
    ref_type: str
    ref_id: str
    meta: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def credit_earnings(amounts: Sequence[Credit], *, kind: str, book: str) -> list[Entry]:
    """Put amounts into earnings, settling first what each user owes. Constant number of statements for any number of credits.

    `kind` is an Entry.Kind, `book` the site's account that pays. Raises IntegrityError when a ref was credited before.
    """
    if not amounts:
        return []
    currency = amounts[0].currency
    require_same_currency(*(credit.currency for credit in amounts))
    accounts = open_accounts({credit.user_id for credit in amounts}, PAYABLE, currency)
    balances = lock(accounts.values())
    owed = {user: -balances[account] for (user, pocket), account in accounts.items() if pocket == Pocket.OWED}
    source = system_account(book, currency)
    drafts, new_lots, settled = [], [], []
    for credit in amounts:
        earnings = accounts[credit.user_id, Pocket.EARNINGS]
        drafts.append(_credit_draft(credit, kind, earnings, source))
        debt = min(owed[credit.user_id], credit.amount)
        lot = Lot(
            account_id=earnings, ref_type=credit.ref_type, ref_id=credit.ref_id, amount=credit.amount, consumed=debt
        )
        new_lots.append(lot)
        if debt:
            owed[credit.user_id] -= debt
            drafts.append(_settlement(credit, earnings, accounts[credit.user_id, Pocket.OWED], debt))
            settled.append(lots.Share(lot, debt))
    entries = post(drafts, currency)
    Lot.objects.bulk_create(new_lots)
    lots.tell_consumed(settled)
    return entries


def _credit_draft(credit: Credit, kind: str, earnings: UUID, source: UUID) -> Draft:
    return Draft(
        kind=kind,
        key=f"{credit.ref_type}:{credit.ref_id}:credit",
        lines=[(earnings, credit.amount), (source, -credit.amount)],
        ref_type=credit.ref_type,
        ref_id=credit.ref_id,
        meta=credit.meta,
    )


def _settlement(credit: Credit, earnings: UUID, owed: UUID, amount: int) -> Draft:
    return Draft(
        kind=Entry.Kind.DEBT_SETTLED,
        key=f"{credit.ref_type}:{credit.ref_id}:settles",
        lines=[(earnings, -amount), (owed, amount)],
        ref_type=credit.ref_type,
        ref_id=credit.ref_id,
    )


@dataclass(frozen=True)
class Reversal:
    """Take `amount` back from what one ref brought in. `key` makes it happen once."""

    user_id: UUID
    amount: int
    currency: str
    ref_type: str
    ref_id: str
    key: str
    meta: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def take_from_lots(reversals: Sequence[Reversal], *, book: str) -> dict[str, int]:
    """Shrink untouched lots. Returns per `key` how much was taken: less than asked where a payout has the money already.

    The rest is for `claw_back`. A shrunk lot never drops below what is reserved or consumed of it.
    """
    if not reversals:
        return {}
    currency = reversals[0].currency
    accounts = open_accounts({reversal.user_id for reversal in reversals}, PAYABLE, currency)
    lock(accounts.values())
    target = system_account(book, currency)
    rows = Lot.objects.filter(ref_type=reversals[0].ref_type, ref_id__in=[reversal.ref_id for reversal in reversals])
    by_ref = {lot.ref_id: lot for lot in rows}
    taken: dict[str, int] = {}
    drafts = []
    for reversal in reversals:
        lot = by_ref.get(reversal.ref_id)
        part = min(lot.free, reversal.amount) if lot else 0
        taken[reversal.key] = part
        if lot is None or not part:
            continue
        lot.amount -= part
        earnings = accounts[reversal.user_id, Pocket.EARNINGS]
        drafts.append(
            Draft(Entry.Kind.REVERSAL, reversal.key, [(earnings, -part), (target, part)], reversal.ref_type,
                  reversal.ref_id, reversal.meta)
        )  # fmt: skip
    post(drafts, currency)
    Lot.objects.bulk_update(by_ref.values(), ["amount"])
    # What is left of a lot may be just what a payout has taken: then it is gone now.
    lots.tell_consumed([lots.Share(lot, 0) for lot in by_ref.values() if lot.amount])
    return taken


@transaction.atomic
def claw_back(reversals: Sequence[Reversal], *, book: str) -> None:
    """Take money back that was paid out already: from what is free, oldest lots first, and the rest becomes a debt."""
    if not reversals:
        return
    currency = reversals[0].currency
    accounts = open_accounts({reversal.user_id for reversal in reversals}, PAYABLE, currency)
    balances = lock(accounts.values())
    target = system_account(book, currency)
    drafts: list[Draft] = []
    spent: dict[UUID, int] = defaultdict(int)
    for reversal in reversals:
        earnings, owed = accounts[reversal.user_id, Pocket.EARNINGS], accounts[reversal.user_id, Pocket.OWED]
        free = min(balances[earnings] - spent[earnings], reversal.amount)
        spent[earnings] += free
        lines = [(earnings, -free), (owed, free - reversal.amount), (target, reversal.amount)]
        drafts.append(
            Draft(Entry.Kind.CLAWBACK, reversal.key, lines, reversal.ref_type, reversal.ref_id, reversal.meta)
        )
    post(drafts, currency)
    for account, amount in spent.items():
        if amount:
            lots.consume(account, amount)
