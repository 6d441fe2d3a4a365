"""Opening accounts and locking them."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from apps.sites.selectors import current_site
from apps.wallet.models import Account, Books, Pocket

Key = tuple[UUID | None, str]


def open_system_accounts(site_id: UUID) -> None:
    """Provisioning step: the site's books in its currency."""
    currency = current_site().currency
    rows = [Account(site_id=site_id, kind=kind, currency=currency) for kind in Books.values]
    Account.objects.bulk_create(rows, ignore_conflicts=True)


def open_accounts(users: Iterable[UUID], pockets: Iterable[str], currency: str) -> dict[Key, UUID]:
    """The accounts of these users, opened where missing. (user, pocket) → account id."""
    wanted, pockets = set(users), tuple(pockets)
    found = _find(wanted, pockets, currency)
    missing = [(user, pocket) for user in wanted for pocket in pockets if (user, pocket) not in found]
    if missing:
        rows = [Account(user_id=user, kind=pocket, currency=currency) for user, pocket in missing]
        Account.objects.bulk_create(rows, ignore_conflicts=True)
        found = _find(wanted, pockets, currency)
    return found


def _find(users: set[UUID], pockets: tuple[str, ...], currency: str) -> dict[Key, UUID]:
    rows = Account.objects.filter(user_id__in=users, kind__in=pockets, currency=currency)
    return {(user, kind): pk for user, kind, pk in rows.values_list("user_id", "kind", "pk")}


def system_account(kind: str, currency: str) -> UUID:
    """One of the site's books. A currency it has not had yet opens it."""
    account = Account.objects.filter(user=None, kind=kind, currency=currency).values_list("pk", flat=True).first()
    if account is None:
        Account.objects.bulk_create([Account(kind=kind, currency=currency)], ignore_conflicts=True)
        account = Account.objects.values_list("pk", flat=True).get(user=None, kind=kind, currency=currency)
    return account


def lock(accounts: Iterable[UUID]) -> dict[UUID, int]:
    """Balances of these accounts, locked in id order until the transaction ends. All at once, or two callers could deadlock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id, balance FROM wallet_lock(%s)", [list(set(accounts))])
        return dict(cursor.fetchall())


PAYABLE = (Pocket.EARNINGS.value, Pocket.OWED.value)
