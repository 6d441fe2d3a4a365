"""Funds, and credits that staff or a service give."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum

from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid
from apps.core.ids import uuid7
from apps.wallet.errors import insufficient_balance
from apps.wallet.models import Books, Entry, Pocket, Posting
from apps.wallet.services import guards, lots
from apps.wallet.services.accounts import lock, open_accounts, system_account
from apps.wallet.services.earnings import Credit, credit_earnings
from apps.wallet.services.entries import Draft, post


@transaction.atomic
def credit_user(
    *, user_id: UUID, amount: int, currency: str, ref_type: str, ref_id: str, meta: dict[str, Any], actor: Any
) -> tuple[Entry, bool]:
    """Credit earnings, once per ref. Returns (entry, made).

    Raises Invalid for a ref_type that another app's credits have, whose refs would then be taken when they come to be credited,
    and Conflict when the ref was used for another credit.
    """
    if lots.is_listened_to(ref_type):
        raise Invalid("invalid", f"{ref_type} credits are made by the platform itself.", field="ref_type")
    key = f"{ref_type}:{ref_id}:credit"
    credit = Credit(user_id, amount, currency, ref_type, ref_id, meta)
    try:
        with transaction.atomic():
            entry = credit_earnings([credit], kind=Entry.Kind.CREDIT, book=Books.CREDITS)[0]
    except IntegrityError:
        entry = Entry.objects.get(key=key)
        same = entry.kind == Entry.Kind.CREDIT and entry.postings.filter(
            account__user_id=user_id, account__kind=Pocket.EARNINGS, amount=amount, currency=currency
        )
        if not same or not same.exists():
            raise Conflict("ref_conflict", "This ref was used for another credit.") from None
        return entry, False
    audit.record(actor=actor, action="wallet.credited", target=entry, after={"user": str(user_id), "amount": amount,
                 "currency": currency})  # fmt: skip
    return entry, True


@transaction.atomic
def deposit_funds(*, user_id: UUID, amount: int, currency: str, ref_id: str) -> Entry:
    """Money that a verified payment brought in. Raises IntegrityError for a payment that was booked before."""
    accounts = open_accounts([user_id], (Pocket.FUNDS,), currency)
    source = system_account(Books.DEPOSITS, currency)
    lines = [(accounts[user_id, Pocket.FUNDS], amount), (source, -amount)]
    return post([Draft(Entry.Kind.DEPOSIT, f"deposit:{ref_id}", lines, "deposit", ref_id)], currency)[0]


@transaction.atomic
def take_deposit(*, user_id: UUID, amount: int, currency: str, ref_id: str, into_debt: bool) -> Entry:
    """Money of a deposit on its way back: out of funds. With `into_debt`, what is no longer there is owed by the earnings, and
    settled at once from what is free of them: else they could be paid out first.

    Raises Conflict insufficient_balance otherwise.
    """
    accounts = open_accounts([user_id], (Pocket.FUNDS, Pocket.EARNINGS, Pocket.OWED), currency)
    funds, earnings, owed = (accounts[user_id, pocket] for pocket in (Pocket.FUNDS, Pocket.EARNINGS, Pocket.OWED))
    balances = lock([funds, earnings, owed])
    there = balances[funds]
    if there < amount and not into_debt:
        raise Conflict("insufficient_balance", "Less than that is left in the funds.", rest=there)
    part = min(there, amount)
    lines = [(funds, -part), (owed, part - amount), (system_account(Books.DEPOSITS, currency), amount)]
    key = f"deposit:{ref_id}:{uuid7()}"
    drafts = [Draft(Entry.Kind.REFUND, key, lines, "deposit", ref_id)]
    settled = min(balances[earnings], amount - part)
    if settled:
        back = [(earnings, -settled), (owed, settled)]
        drafts.append(Draft(Entry.Kind.DEBT_SETTLED, f"{key}:settles", back, "deposit", ref_id))
    entries = post(drafts, currency)
    if settled:
        lots.consume(earnings, settled)
    return entries[0]


@transaction.atomic
def return_deposit(*, user_id: UUID, amount: int, currency: str, ref_id: str) -> Entry:
    """What was set aside for a refund that failed is in funds again; the debt that the same deposit has left is settled first."""
    accounts = open_accounts([user_id], (Pocket.FUNDS, Pocket.OWED), currency)
    funds, owed = accounts[user_id, Pocket.FUNDS], accounts[user_id, Pocket.OWED]
    debt = -lock([funds, owed])[owed]
    if debt:  # others' are settled by the next earnings, as ever
        its = Posting.objects.filter(account_id=owed, entry__ref_type="deposit", entry__ref_id=ref_id)
        debt = min(debt, -(its.aggregate(left=Sum("amount"))["left"] or 0), amount)
    lines = [(funds, amount - debt), (owed, debt), (system_account(Books.DEPOSITS, currency), -amount)]
    return post([Draft(Entry.Kind.RELEASE, f"deposit:{ref_id}:{uuid7()}", lines, "deposit", ref_id)], currency)[0]


@transaction.atomic
def transfer_to_funds(*, user_id: UUID, amount: int, currency: str) -> Entry:
    """Earnings → funds, oldest lots first. Raises Conflict (insufficient_balance, enterprise_pays), or what a guard of an upper
    app does."""
    guards.check_has_funds(user_id)
    guards.check_may_leave(user_id)
    accounts = open_accounts([user_id], (Pocket.EARNINGS, Pocket.FUNDS), currency)
    earnings, funds = accounts[user_id, Pocket.EARNINGS], accounts[user_id, Pocket.FUNDS]
    if lock([earnings, funds])[earnings] < amount:
        raise insufficient_balance()
    ref = str(uuid7())
    lines = [(earnings, -amount), (funds, amount)]
    entry = post([Draft(Entry.Kind.TRANSFER, f"transfer:{ref}", lines, "transfer", ref)], currency)[0]
    lots.consume(earnings, amount)
    return entry
