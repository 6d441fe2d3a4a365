"""Reading the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.core.tenancy import require_site_id
from apps.sites.selectors import current_site
from apps.wallet.models import Account, Balance, Pocket, Posting


@dataclass(frozen=True)
class Summary:
    """Minor units. `owed` is what the user owes, as a positive number; `balance = available + held − owed`."""

    currency: str
    available: int
    held: int
    owed: int
    funds: int

    @property
    def balance(self) -> int:
        return self.available + self.held - self.owed


def wallet_summary(user_id: UUID) -> Summary:
    """One query. A user without a wallet has zeros."""
    currency = current_site().currency
    rows = Balance.objects.filter(account__user_id=user_id, account__currency=currency)
    held = dict(rows.values_list("account__kind", "balance"))
    return Summary(
        currency=currency,
        available=held.get(Pocket.EARNINGS, 0),
        held=held.get(Pocket.HELD, 0),
        owed=-held.get(Pocket.OWED, 0),
        funds=held.get(Pocket.FUNDS, 0),
    )


def in_debt(user_ids: Iterable[UUID]) -> set[UUID]:
    """Those of them who owe the site something. One query."""
    rows = Balance.objects.filter(
        account__user_id__in=user_ids,
        account__currency=current_site().currency,
        account__kind=Pocket.OWED,
        balance__lt=0,
    )
    return set(rows.values_list("account__user_id", flat=True))


def ledger_of(user_id: UUID) -> QuerySet[Posting]:
    """A user's postings, newest first, each with `balance_after` of its pocket."""
    later = (
        Posting.objects.filter(account_id=OuterRef("account_id"), id__gt=OuterRef("id"))
        .order_by()
        .values("account_id")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    return (
        Posting.objects.filter(account__in=Account.objects.filter(user_id=user_id))
        .select_related("entry", "account")
        .annotate(balance_after=F("account__balance__balance") - Coalesce(Subquery(later), 0))
        .order_by("-id")
    )


# Every way the ledger could contradict itself, each with what it is about. No row: the books agree.
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "entry does not sum to zero",
        "SELECT entry_id::text FROM wallet_posting WHERE site_id = %(site)s"
        " GROUP BY entry_id, currency HAVING sum(amount) <> 0",
    ),
    (
        "balance differs from its postings",
        "SELECT b.account_id::text FROM wallet_balance b LEFT JOIN (SELECT account_id, sum(amount) AS total"
        " FROM wallet_posting WHERE site_id = %(site)s GROUP BY account_id) p ON p.account_id = b.account_id"
        " WHERE b.site_id = %(site)s AND b.balance <> coalesce(p.total, 0)",
    ),
    (
        "a user's account has no balance",
        "SELECT a.id::text FROM wallet_account a LEFT JOIN wallet_balance b ON b.account_id = a.id"
        " WHERE a.site_id = %(site)s AND a.user_id IS NOT NULL AND b.account_id IS NULL",
    ),
    (
        "free lots differ from earnings",
        "SELECT a.id::text FROM wallet_account a JOIN wallet_balance b ON b.account_id = a.id LEFT JOIN (SELECT account_id,"
        " sum(amount - reserved - consumed) AS free FROM wallet_lot WHERE site_id = %(site)s GROUP BY account_id) l"
        " ON l.account_id = a.id WHERE a.site_id = %(site)s AND a.kind = 'earnings' AND b.balance <> coalesce(l.free, 0)",
    ),
    (
        "reserved lots differ from what is held",
        "SELECT e.user_id::text FROM wallet_account e LEFT JOIN wallet_account h ON h.site_id = e.site_id"
        " AND h.user_id = e.user_id AND h.currency = e.currency AND h.kind = 'held'"
        " LEFT JOIN wallet_balance b ON b.account_id = h.id LEFT JOIN (SELECT account_id, sum(reserved) AS reserved"
        " FROM wallet_lot WHERE site_id = %(site)s GROUP BY account_id) l ON l.account_id = e.id"
        " WHERE e.site_id = %(site)s AND e.kind = 'earnings' AND coalesce(b.balance, 0) <> coalesce(l.reserved, 0)",
    ),
)


def contradictions() -> list[tuple[str, str]]:
    """(problem, id) of the present site's books. Empty when they agree."""
    site: dict[str, Any] = {"site": require_site_id()}
    found: list[tuple[str, str]] = []
    with connection.cursor() as cursor:
        for problem, sql in _CHECKS:
            cursor.execute(sql + " LIMIT 100", site)
            found += [(problem, row[0]) for row in cursor.fetchall()]
    return found


def totals() -> dict[str, int]:
    """Entries and postings of the present site."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM wallet_entry), (SELECT count(*) FROM wallet_posting)")
        entries, postings = cursor.fetchone()
    return {"entries": entries, "postings": postings}
