"""What the program owed at a past instant, and whether the ledger says the same (X9, settled.md Money).

    payable + in flight + paid + funds − clawed back = ledger

The left side are the pockets of partners and what left to them, the right side the site's own books of the same entries. Both are
sums of postings as they stood then, so no balance of today takes part. What is held is no debt yet: it comes from the
commissions' own history and stands beside.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db import connections

from apps.core.tenancy import read_alias
from apps.sites.selectors import current_site
from apps.wallet.models import Books, Pocket

# Everything that had been posted, by account. Entries are as old as they say: nothing backdates them.
_POSTED = """
SELECT a.currency, a.kind, sum(p.amount)::bigint
FROM wallet_posting p
JOIN wallet_entry e ON e.id = p.entry_id
JOIN wallet_account a ON a.id = p.account_id
WHERE e.created_at <= %(at)s
GROUP BY 1, 2
"""

# What waited for approval, less what refunds of its line had taken back by then: the same arithmetic as engine.mirror, half up.
_HELD = """
SELECT c.currency, count(*),
    sum(c.original_amount - round(c.original_amount::numeric * coalesce(r.refunded, 0) / l.amount))::bigint
FROM commissions_commission c
JOIN orders_orderline l ON l.id = c.line_id
LEFT JOIN (
    SELECT part.line_id, sum(part.amount) AS refunded
    FROM orders_refundline part JOIN orders_refund refund ON refund.id = part.refund_id
    WHERE refund.created_at <= %(at)s
    GROUP BY 1
) r ON r.line_id = c.line_id
WHERE c.kind = 'commission' AND c.created_at <= %(at)s
    AND (c.status = 'pending' OR coalesce(c.approved_at, c.closed_at) > %(at)s)
GROUP BY 1
"""


@dataclass(frozen=True)
class Liability:
    """Minor units of one currency. `held` and `held_count` are commissions that waited for approval, not in the sum."""

    currency: str
    held: int
    held_count: int
    payable: int
    in_flight: int
    paid: int
    funds: int
    clawed_back: int
    ledger: int

    @property
    def sum(self) -> int:
        return self.payable + self.in_flight + self.paid + self.funds - self.clawed_back

    @property
    def owed(self) -> int:
        """What was clawed back as it stands in the sum: below zero."""
        return -self.clawed_back

    @property
    def agrees(self) -> bool:
        return self.sum == self.ledger


def liability(*, at: datetime) -> list[Liability]:
    """One for every currency that had moved by then, and for the site's own. Two queries over all postings and commissions."""
    posted: dict[str, dict[str, int]] = defaultdict(dict)
    with connections[read_alias()].cursor() as cursor:
        cursor.execute(_POSTED, {"at": at})
        for currency, kind, amount in cursor.fetchall():
            posted[currency][kind] = amount
        cursor.execute(_HELD, {"at": at})
        held = {currency: (count, amount) for currency, count, amount in cursor.fetchall()}
    currencies = sorted({*posted, *held, current_site().currency})
    return [_of(currency, posted[currency], *held.get(currency, (0, 0))) for currency in currencies]


def _of(currency: str, posted: dict[str, int], held_count: int, held: int) -> Liability:
    books = {kind: amount for kind, amount in posted.items() if kind in Books.values}
    return Liability(
        currency=currency,
        held=held,
        held_count=held_count,
        payable=posted.get(Pocket.EARNINGS, 0),
        in_flight=posted.get(Pocket.HELD, 0),
        paid=books.get(Books.PAYOUTS, 0),
        funds=posted.get(Pocket.FUNDS, 0),
        clawed_back=-posted.get(Pocket.OWED, 0),
        ledger=-sum(amount for kind, amount in books.items() if kind != Books.PAYOUTS),
    )
