"""Who else has a say before earnings leave a wallet, and who has no use for funds.

The wallet knows no partners. An upper app that knows why somebody's money must stay, such as a freeze, names a function in its
AppConfig.ready; it takes the user's id and raises a Conflict.
"""

from collections.abc import Callable
from uuid import UUID

from django.utils.module_loading import import_string

from apps.accounts.models import Membership
from apps.wallet.errors import enterprise_pays

_paths: list[str] = []


def before_leaving(path: str) -> None:
    if path not in _paths:
        _paths.append(path)


def check_may_leave(user_id: UUID) -> None:
    """Raises whatever a guard raises."""
    for path in _paths:
        guard: Callable[[UUID], None] = import_string(path)
        guard(user_id)


def is_paid_for(user_id: UUID) -> bool:
    """A sub-user: what they do is paid from the funds of their enterprise."""
    return Membership.objects.filter(user_id=user_id, user_type=Membership.Kind.SUB_USER).exists()


def check_has_funds(user_id: UUID) -> None:
    """Raises Conflict enterprise_pays."""
    if is_paid_for(user_id):
        raise enterprise_pays()
