"""What happens to an account, as news for whoever tells people (apps.notifications)."""

from apps.accounts.models import User
from apps.core import outbox
from apps.core.ids import uuid7


def tell_security(user: User, what: str) -> None:
    """`security.changed` {user_id, what}: password.changed, password.reset, two_factor.enabled, .disabled, .reset."""
    outbox.publish("security.changed", key=str(uuid7()), payload={"user_id": str(user.pk), "what": what})
