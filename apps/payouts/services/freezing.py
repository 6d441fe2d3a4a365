"""Nothing leaves the wallet of a frozen partner (X11)."""

from uuid import UUID

from apps.payouts import errors
from apps.referrals.models import Partner


def check_not_frozen(user_id: UUID) -> None:
    """Raises Conflict partner_frozen."""
    if Partner.objects.filter(user_id=user_id, status=Partner.Status.FROZEN).exists():
        raise errors.partner_frozen()
