"""Rate limits that hold under parallel requests: one atomic step in Redis (stock DRF throttles race).

Redis down: limits on sign-in, codes and payouts fail closed, the others open (spec: reliability.md rule 12).
"""

import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle

from apps.core.errors import TooMany, Unavailable

logger = logging.getLogger(__name__)

# Fixed windows: one INCR and, on the first, one EXPIRE, in a single step.
_HIT = """
local n = redis.call('INCRBY', KEYS[1], ARGV[2])
if n == tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('TTL', KEYS[1])}
"""


class Limit:
    """At most `most` hits in `seconds` for one key."""

    def __init__(self, name: str, most: int, seconds: int = 60, *, fail_closed: bool = False) -> None:
        self.name = name
        self.most = most
        self.seconds = seconds
        self.fail_closed = fail_closed

    def hit(self, key: str, *, cost: int = 1) -> tuple[int, int]:
        """Count a hit. Returns (remaining, seconds to reset), remaining negative when over. `cost=0` only looks."""
        if not settings.UPLINE_THROTTLE:
            return self.most, self.seconds
        try:
            count, ttl = _redis().eval(_HIT, 1, f"limit:{self.name}:{key}", self.seconds, cost)
        except Exception as error:
            if self.fail_closed:
                raise Unavailable("limits_unavailable", "Try again in a moment.") from error
            logger.warning("limit.unavailable", extra={"limit": self.name})
            return self.most, self.seconds
        return self.most - int(count), max(int(ttl), 1)

    def spend(self, key: str, *, cost: int = 1) -> None:
        """Count a hit and raise TooMany when over."""
        remaining, reset = self.hit(key, cost=cost)
        if remaining < 0:
            raise TooMany(retry_after=reset)

    def check(self, key: str) -> None:
        """Raise TooMany when the hits counted so far already fill the window, without counting one."""
        remaining, reset = self.hit(key, cost=0)
        if remaining <= 0:
            raise TooMany(retry_after=reset)


# One step too: whoever reaches the limit, and only they, begins the lock. The count starts anew after it.
_FAIL = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if n < tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
return redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) and 1 or 0
"""


class Lockout:
    """A lock of some minutes after many failures in an hour, whatever the addresses they come from. Fails closed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, key: str) -> bool:
        """Count a failure. True for the one that begins the lock."""
        numbers = settings.UPLINE_LOCKOUT
        return bool(self._run(_FAIL, key, numbers["failures"], numbers["within_seconds"], numbers["seconds"]))

    def seconds_left(self, key: str) -> int:
        """0 when it is not locked."""
        return max(int(self._run("return redis.call('TTL', KEYS[2])", key)), 0)

    def clear(self, key: str) -> bool:
        """Forget the lock and the failures. False when there was no lock."""
        return bool(self._run("redis.call('DEL', KEYS[1]); return redis.call('DEL', KEYS[2])", key))

    def _run(self, script: str, key: str, *args: Any) -> int:
        if not settings.UPLINE_THROTTLE:
            return 0
        try:
            return int(_redis().eval(script, 2, f"failures:{self.name}:{key}", f"lock:{self.name}:{key}", *args))
        except Exception as error:
            raise Unavailable("limits_unavailable", "Try again in a moment.") from error


def _redis() -> Any:
    return cache._cache.get_client(write=True)  # type: ignore[attr-defined]


def client_ip(request: Any) -> str:
    """The caller's address, trusting exactly as many proxies as we run: the client must not choose its bucket."""
    proxies = settings.REST_FRAMEWORK["NUM_PROXIES"]
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if proxies and len(forwarded) >= proxies:
        return str(forwarded[-proxies])
    return str(request.META.get("REMOTE_ADDR", ""))


ANONYMOUS = Limit("anonymous", 60)
LOGIN_FAILURES = Limit("login", 10, fail_closed=True)
UNKNOWN_CODES = Limit("codes", 10, fail_closed=True)
PASSWORD_RESETS = Limit("reset", 5, 900, fail_closed=True)
LOGIN_LOCKOUT = Lockout("login")


class AnonymousThrottle(BaseThrottle):
    """60 requests a minute per address and site on routes that need no sign-in; its headers go on every such answer."""

    def __init__(self) -> None:
        self.reset = 60

    def allow_request(self, request: Any, view: Any) -> bool:
        if request.user.is_authenticated or not settings.UPLINE_THROTTLE:
            return True
        site = getattr(request._request, "site", None)
        remaining, self.reset = ANONYMOUS.hit(f"{getattr(site, 'pk', '-')}:{client_ip(request)}")
        view.rate = (ANONYMOUS.most, max(remaining, 0), int(time.time()) + self.reset)
        return remaining >= 0

    def wait(self) -> float:
        return float(self.reset)
