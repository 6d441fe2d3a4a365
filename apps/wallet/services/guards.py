"""Who else has a say before earnings leave a wallet, and who has no use for funds.

The wallet knows no partners. An upper app that knows why somebody's money must stay, such as a freeze, names two functions in its
AppConfig.ready: one takes a user's id and raises a Conflict, the other says it of many, as {user id: code}.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from django.utils.module_loading import import_string

from apps.accounts.models import Membership
from apps.wallet.errors import enterprise_pays

_guards: dict[str, str] = {}


def before_leaving(path: str, *, many: str) -> None:
    _guards[path] = many


def check_may_leave(user_id: UUID) -> None:
    """Raises whatever a guard raises."""
    for path in _guards:
        guard: Callable[[UUID], None] = import_string(path)
        guard(user_id)


def staying(user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """{user: code of the first guard that keeps their money}. A query for each guard, however many they are."""
    ids, found = list(user_ids), dict[UUID, str]()
    for path in reversed(_guards.values()):
        guard: Callable[[list[UUID]], dict[UUID, str]] = import_string(path)
        found |= guard(ids)
    return found


def is_paid_for(user_id: UUID) -> bool:
    """A sub-user: what they do is paid from the funds of their enterprise."""
    return Membership.objects.filter(user_id=user_id, user_type=Membership.Kind.SUB_USER).exists()


def check_has_funds(user_id: UUID) -> None:
    """Raises Conflict enterprise_pays."""
    if is_paid_for(user_id):
        raise enterprise_pays()
