"""What an enterprise scope covers: the enterprise and its sub-users (apps.rbac.scopes). An enterprise is named by its user."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from apps.accounts.models import Membership


def users_of(ids: Collection[UUID]) -> Any:
    """Two indexed halves: an OR over both columns would be read row by row."""
    members = Membership.objects.order_by()
    return (
        members.filter(user_id__in=ids)
        .values("user_id")
        .union(members.filter(enterprise__user_id__in=ids).values("user_id"))
    )


def names_of(ids: Collection[UUID]) -> dict[UUID, str]:
    found = Membership.objects.filter(user_id__in=ids, user_type=Membership.Kind.ENTERPRISE).select_related("user")
    return {membership.user_id: str(membership.user) for membership in found}
