"""Do the books agree? What the site owes and has paid, from the pockets and the payouts, beside the same from its own accounts.

Both sides are sums over every pocket and posting: instant on most sites, three quarters of a second with a million partners. What
took long is kept for a while, with its time shown; a task makes it anew before it gets old.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db.models import Sum
from django.utils import timezone
from redis.exceptions import RedisError

from apps.core.tenancy import require_site_id
from apps.payouts.gateways import WALLET
from apps.payouts.models import Payout
from apps.wallet.models import Balance, Books, Pocket, Posting

SLOW_SECONDS = 0.2
KEPT_SECONDS = 600


@dataclass(frozen=True)
class BooksNow:
    """Minor units. `parts` are the pockets and payouts, `ledger` the site's own side of the same postings."""

    parts: list[tuple[str, int]]
    ledger: int
    checked_at: datetime

    @property
    def sum(self) -> int:
        return sum(amount for _, amount in self.parts)

    @property
    def agree(self) -> bool:
        return self.sum == self.ledger


def books_now() -> BooksNow:
    """Made now; on a site where that takes long, what was made up to ten minutes ago."""
    return kept_books() or make_books()


def kept_books() -> BooksNow | None:
    """What was kept. Without Redis nothing was."""
    try:
        found: BooksNow | None = cache.get(_key())
    except RedisError:
        return None
    return found


def make_books() -> BooksNow:
    """Three queries. Kept only where they took long."""
    started = time.perf_counter()
    made = _read()
    if time.perf_counter() - started > SLOW_SECONDS:
        with suppress(RedisError):
            cache.set(_key(), made, KEPT_SECONDS)
    return made


def _read() -> BooksNow:
    held = dict(Balance.objects.order_by().values_list("account__kind").annotate(total=Sum("balance")))
    booked = dict(
        Posting.objects.filter(account__user=None).order_by().values_list("account__kind").annotate(total=Sum("amount"))
    )
    left = Payout.objects.filter(status=Payout.Status.COMPLETED).exclude(gateway=WALLET)  # those are in the funds
    paid = left.order_by().aggregate(total=Sum("amount"))
    parts = [
        ("Payable", int(held.get(Pocket.EARNINGS, 0))),
        ("In flight", int(held.get(Pocket.HELD, 0))),
        ("Paid since the start", int(paid["total"] or 0)),
        ("Owed by partners", int(held.get(Pocket.OWED, 0))),
    ]
    if held.get(Pocket.FUNDS):
        parts.append(("Funds", int(held[Pocket.FUNDS])))
    ledger = -sum(int(total) for kind, total in booked.items() if kind != Books.PAYOUTS)
    return BooksNow(parts, ledger, timezone.now())


def _key() -> str:
    return f"backoffice:books:{require_site_id()}"
