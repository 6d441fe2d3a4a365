"""Nothing leaves the wallet of a frozen partner (X11)."""

from collections.abc import Collection
from uuid import UUID

from apps.payouts import errors
from apps.referrals.models import Partner


def check_not_frozen(user_id: UUID) -> None:
    """Raises Conflict partner_frozen."""
    if Partner.objects.filter(user_id=user_id, status=Partner.Status.FROZEN).exists():
        raise errors.partner_frozen()


def frozen_among(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """{user: the code of check_not_frozen} of those who are. One query."""
    rows = Partner.objects.filter(user_id__in=user_ids, status=Partner.Status.FROZEN)
    return dict.fromkeys(rows.values_list("user_id", flat=True), errors.FROZEN)
