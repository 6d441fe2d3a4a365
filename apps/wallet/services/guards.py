"""Who else has a say before earnings leave a wallet.

The wallet knows no partners. An upper app that knows why somebody's money must stay, such as a freeze, names a function in its
AppConfig.ready; it takes the user's id and raises a Conflict.
"""

from collections.abc import Callable
from uuid import UUID

from django.utils.module_loading import import_string

_paths: list[str] = []


def before_leaving(path: str) -> None:
    if path not in _paths:
        _paths.append(path)


def check_may_leave(user_id: UUID) -> None:
    """Raises whatever a guard raises."""
    for path in _paths:
        guard: Callable[[UUID], None] = import_string(path)
        guard(user_id)
