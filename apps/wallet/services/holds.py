"""Earnings on their way out: held while a payout is open, then gone or back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.wallet.errors import insufficient_balance
from apps.wallet.models import Books, Entry, Pocket
from apps.wallet.services import lots
from apps.wallet.services.accounts import lock, open_accounts, system_account
from apps.wallet.services.entries import Draft, post


@dataclass(frozen=True)
class Hold:
    """`amount` of a user's earnings, under a key of its own. Many at once are of different users."""

    user_id: UUID
    key: str
    amount: int


class TooLittle(Exception):
    """Some of many would hold more than there is: nothing was held. `keys` names them."""

    def __init__(self, keys: set[str]) -> None:
        super().__init__(f"{len(keys)} have too little")
        self.keys = keys


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
def hold_many(holds: Sequence[Hold], currency: str) -> None:
    """As `hold_earnings`, for many, in a constant number of statements. Raises TooLittle; then nothing is held."""
    if not holds:
        return
    accounts = open_accounts({hold.user_id for hold in holds}, (Pocket.EARNINGS, Pocket.HELD), currency)
    balances = lock(accounts.values())
    earnings = {hold.key: accounts[hold.user_id, Pocket.EARNINGS] for hold in holds}
    short = {hold.key for hold in holds if not 0 < hold.amount <= balances[earnings[hold.key]]}
    if short:
        raise TooLittle(short)
    drafts = []
    for hold in holds:
        lines = [(earnings[hold.key], -hold.amount), (accounts[hold.user_id, Pocket.HELD], hold.amount)]
        drafts.append(Draft(Entry.Kind.HOLD, f"{hold.key}:hold", lines, "payout", hold.key))
    post(drafts, currency)
    lots.reserve_many([lots.Reservation(earnings[hold.key], hold.amount, hold.key) for hold in holds])


def release_hold(*, user_id: UUID, currency: str, key: str, amount: int) -> None:
    """Give what was held under `key` back to earnings, to the same lots; a debt made meanwhile is settled from it first."""
    release_many([Hold(user_id, key, amount)], currency)


@transaction.atomic
def release_many(holds: Sequence[Hold], currency: str) -> None:
    if not holds:
        return
    accounts = open_accounts({hold.user_id for hold in holds}, (Pocket.EARNINGS, Pocket.HELD, Pocket.OWED), currency)
    balances = lock(accounts.values())
    drafts, debts = [], []
    for hold in holds:
        earnings, held, owed = (
            accounts[hold.user_id, pocket] for pocket in (Pocket.EARNINGS, Pocket.HELD, Pocket.OWED)
        )
        lines = [(held, -hold.amount), (earnings, hold.amount)]
        drafts.append(Draft(Entry.Kind.RELEASE, f"{hold.key}:release", lines, "payout", hold.key))
        debt = min(-balances[owed], hold.amount)
        if debt:
            lines = [(earnings, -debt), (owed, debt)]
            drafts.append(Draft(Entry.Kind.DEBT_SETTLED, f"{hold.key}:settles", lines, "payout", hold.key))
            debts.append((earnings, debt))
    post(drafts, currency)
    lots.unreserve([hold.key for hold in holds], consumed=False)
    for earnings, debt in debts:  # of those few whose refund came while their payout was under way
        lots.consume(earnings, debt)


def settle_hold(*, user_id: UUID, currency: str, key: str, amount: int) -> None:
    """What was held under `key` has left. Tells the owners of lots that are now wholly consumed."""
    settle_many([Hold(user_id, key, amount)], currency)


@transaction.atomic
def settle_many(holds: Sequence[Hold], currency: str, *, to_funds: bool = False) -> None:
    """What was held has left; with `to_funds`, into the funds of the same people."""
    if not holds:
        return
    pockets = (Pocket.HELD, Pocket.EARNINGS, *((Pocket.FUNDS,) if to_funds else ()))
    accounts = open_accounts({hold.user_id for hold in holds}, pockets, currency)
    lock(accounts.values())
    out = system_account(Books.PAYOUTS, currency)
    kind = Entry.Kind.TRANSFER if to_funds else Entry.Kind.PAYOUT
    drafts = []
    for hold in holds:
        into = accounts[hold.user_id, Pocket.FUNDS] if to_funds else out
        lines = [(accounts[hold.user_id, Pocket.HELD], -hold.amount), (into, hold.amount)]
        drafts.append(Draft(kind, f"{hold.key}:paid", lines, "payout", hold.key))
    post(drafts, currency)
    lots.unreserve([hold.key for hold in holds], consumed=True)
