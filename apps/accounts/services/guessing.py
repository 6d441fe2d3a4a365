"""Wrong passwords and codes, counted: ten a minute for an address and an account, and many in an hour lock the account, whatever
the addresses. Both counts are kept in Redis, where no rollback undoes them."""

import logging
from collections.abc import Callable
from typing import Any

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.api.throttling import LOGIN_FAILURES, LOGIN_LOCKOUT
from apps.core.errors import TooMany
from apps.core.tenancy import current_site_id

logger = logging.getLogger(__name__)

Durable = list[Callable[[], Any]]
"""What a request still does when its own transaction was rolled back."""


def check_may_try(keys: list[str], email: str) -> None:
    """Raises TooMany: rate_limited, or login_locked, which an address nobody has gets just the same."""
    for key in keys:
        LOGIN_FAILURES.check(key)
    left = LOGIN_LOCKOUT.seconds_left(email)
    if left:
        raise TooMany(
            f"Too many failed sign-ins. Try again in {-(-left // 60)} min.", retry_after=left, code="login_locked"
        )


def note_failure(keys: list[str], email: str, durable: Durable | None) -> None:
    """Raises TooMany: attempts that ran side by side passed the check together; beyond the tenth they are told nothing either."""
    if LOGIN_LOCKOUT.fail(email):
        if durable is None:
            record_lock(email)
        else:
            durable.append(lambda: record_lock(email))
    spend(keys)


def spend(keys: list[str]) -> None:
    """Count towards the ten a minute only. Raises TooMany."""
    left = min(LOGIN_FAILURES.hit(key) for key in keys)
    if left[0] < 0:
        raise TooMany(retry_after=left[1])


def record_lock(email: str) -> None:
    """A lock began. On the platform host no site's audit could hold it."""
    logger.warning("login.locked")
    if current_site_id() is None:
        return
    member = User.objects.members().filter(email=email).first()
    audit.record(actor=audit.SYSTEM, action="login.locked", target=member, after={"email": email})
