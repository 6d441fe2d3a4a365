"""Earnings on their way out: held while a payout is open, then gone or back."""

from uuid import UUID

from django.db import transaction

from apps.wallet.errors import insufficient_balance
from apps.wallet.models import Books, Entry, Pocket
from apps.wallet.services import lots
from apps.wallet.services.accounts import lock, open_accounts, system_account
from apps.wallet.services.entries import Draft, post


@transaction.atomic
def hold_earnings(*, user_id: UUID, currency: str, key: str, amount: int | None = None) -> int:
    """Set earnings aside under `key` (unique per site). Without `amount`, all there is. Returns the amount held.

    Raises Conflict insufficient_balance.
    """
    accounts = open_accounts([user_id], (Pocket.EARNINGS, Pocket.HELD), currency)
    earnings, held = accounts[user_id, Pocket.EARNINGS], accounts[user_id, Pocket.HELD]
    available = lock([earnings, held])[earnings]
    amount = available if amount is None else amount
    if amount <= 0 or amount > available:
        raise insufficient_balance()
    post([Draft(Entry.Kind.HOLD, f"{key}:hold", [(earnings, -amount), (held, amount)], "payout", key)], currency)
    lots.reserve(earnings, amount, key)
    return amount


@transaction.atomic
def release_hold(*, user_id: UUID, currency: str, key: str, amount: int) -> None:
    """Give what was held under `key` back to earnings, to the same lots; a debt made meanwhile is settled from it first."""
    accounts = open_accounts([user_id], (Pocket.EARNINGS, Pocket.HELD, Pocket.OWED), currency)
    earnings, held, owed = (accounts[user_id, pocket] for pocket in (Pocket.EARNINGS, Pocket.HELD, Pocket.OWED))
    debt = min(-lock([earnings, held, owed])[owed], amount)
    drafts = [Draft(Entry.Kind.RELEASE, f"{key}:release", [(held, -amount), (earnings, amount)], "payout", key)]
    if debt:
        lines = [(earnings, -debt), (owed, debt)]
        drafts.append(Draft(Entry.Kind.DEBT_SETTLED, f"{key}:settles", lines, "payout", key))
    post(drafts, currency)
    lots.unreserve(key, consumed=False)
    if debt:
        lots.consume(earnings, debt)


@transaction.atomic
def settle_hold(*, user_id: UUID, currency: str, key: str, amount: int) -> None:
    """What was held under `key` has left. Tells the owners of lots that are now wholly consumed."""
    accounts = open_accounts([user_id], (Pocket.EARNINGS, Pocket.HELD), currency)
    earnings, held = accounts[user_id, Pocket.EARNINGS], accounts[user_id, Pocket.HELD]
    lock([earnings, held])
    out = system_account(Books.PAYOUTS, currency)
    post([Draft(Entry.Kind.PAYOUT, f"{key}:paid", [(held, -amount), (out, amount)], "payout", key)], currency)
    lots.unreserve(key, consumed=True)
