"""The person behind a request."""

from typing import Any

from apps.accounts.models import User
from apps.core.errors import NotFound


def person(request: Any) -> User:
    """The signed-in user. Raises NotFound for an API key: it has no wallet, team or profile."""
    user: Any = request.user
    if getattr(user, "actor_kind", "") != "user":
        raise NotFound()
    found: User = user
    return found
