"""Reads of broker accounts. None of them takes an account's id."""

from uuid import UUID

from django.conf import settings

from apps.brokers.models import BrokerAccount
from apps.core import crypto
from apps.core.errors import NotFound

DOTS = "••••"
LEAST_TO_HINT = 12


def account_of(user_id: UUID) -> BrokerAccount:
    """Raises NotFound."""
    account = BrokerAccount.objects.filter(user_id=user_id).first()
    if account is None:
        raise NotFound()
    return account


def is_connected(user_id: UUID) -> bool:
    """Stored, and not refused by the broker."""
    return BrokerAccount.objects.filter(user_id=user_id).exclude(status=BrokerAccount.Status.REFUSED).exists()


def connected_count() -> int:
    """At the present site: all that staff see of broker accounts."""
    return BrokerAccount.objects.exclude(status=BrokerAccount.Status.REFUSED).count()


def brokers() -> list[str]:
    """Names of those that are offered."""
    return sorted(settings.UPLINE_BROKER_GATEWAYS)


def masked(account: BrokerAccount, field: str) -> str:
    """The last four of a long key, and dots only of a short one; "" where there is none."""
    if not getattr(account, field):
        return ""
    try:
        value = crypto.opened(account, field)
    except crypto.Undecryptable:
        return DOTS
    return f"{DOTS}{value[-4:]}" if len(value) >= LEAST_TO_HINT else DOTS
