"""Wrong passwords and codes, counted: ten a minute for an address and an account, and many in an hour lock the account, whatever
the addresses. Both counts are kept in Redis, where no rollback undoes them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core import logs
from apps.core.api.throttling import LOGIN_FAILURES, LOGIN_LOCKOUT
from apps.core.errors import TooMany
from apps.core.tenancy import current_site_id

logger = logging.getLogger(__name__)

Durable = list[Callable[[], Any]]
"""What a request still does when its own transaction was rolled back."""


@dataclass(frozen=True)
class Attempt:
    """What a password or code that somebody gives counts towards, should it be wrong."""

    email: str
    limits: tuple[str, ...]
    lock: str

    def check(self) -> None:
        """Raises TooMany: rate_limited, or login_locked, which an address nobody has gets just the same."""
        for key in self.limits:
            LOGIN_FAILURES.check(key)
        left = LOGIN_LOCKOUT.seconds_left(self.lock)
        if left:
            message = f"Too many failed sign-ins. Try again in {-(-left // 60)} min."
            raise TooMany(message, retry_after=left, code="login_locked")

    def failed(self, durable: Durable | None) -> None:
        """Raises TooMany: attempts side by side passed the check together; beyond the tenth they are told nothing either."""
        if LOGIN_LOCKOUT.fail(self.lock):
            logger.warning("login.locked")
            if durable is None:
                self.record_lock()
            else:
                durable.append(self.record_lock)
        self.spend()

    def spend(self) -> None:
        """Count towards the ten a minute only. Raises TooMany."""
        left = min(LOGIN_FAILURES.hit(key) for key in self.limits)
        if left[0] < 0:
            raise TooMany(retry_after=left[1])

    def record_lock(self) -> None:
        """A lock began. On the platform host no site's audit could hold it."""
        if current_site_id() is None:
            return
        member = User.objects.members().filter(email=self.email).first()
        signed_in = {"signed_in": True} if self.lock != self.email else {}
        audit.record(actor=audit.SYSTEM, action="login.locked", target=member, after={"email": self.email, **signed_in})


def at_the_door(email: str) -> Attempt:
    """By anybody, who says they are that."""
    by_address = f"ip:{logs.client_ip.get()}"
    return Attempt(email, (by_address, f"mail:{current_site_id() or 'platform'}:{email}"), email)


def when_joining(email: str) -> Attempt:
    """By anybody who registers with a login that exists."""
    return Attempt(email, (f"ip:{logs.client_ip.get()}",), email)


def signed_in(user: User) -> Attempt:
    """By somebody signed in as them. A lock of its own: who guesses at the door keeps nobody inside from their work."""
    return Attempt(user.email, (f"prove:{user.pk}",), f"prove:{user.pk}")


def clear_locks(user: User) -> bool:
    """False when there was no lock."""
    return any([LOGIN_LOCKOUT.clear(user.email), LOGIN_LOCKOUT.clear(signed_in(user).lock)])


def locked_seconds(user: User) -> int:
    """How long they still can't sign in; 0 when they can."""
    return LOGIN_LOCKOUT.seconds_left(user.email)
