"""Errors that a caller can act on.

A service raises a DomainError with a stable `code`; `apps.core.api.errors` turns it into the HTTP answer, a form or an admin
action shows `message`. The families differ in their HTTP status only.
"""

from typing import Any


class DomainError(Exception):
    """Refused for a reason that has a code. `field` names the input at fault, `details` adds facts for the reader."""

    status = 400

    def __init__(self, code: str, message: str, *, field: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.details = details


class Invalid(DomainError):
    """400: the input itself is wrong."""

    status = 400


class Unauthenticated(DomainError):
    """401: who is asking is not known."""

    status = 401


class Denied(DomainError):
    """403: known, and not allowed."""

    status = 403

    def __init__(self, code: str = "permission_denied", message: str = "You may not do this.", **kwargs: Any) -> None:
        super().__init__(code, message, **kwargs)


class NotFound(DomainError):
    """404: not there, or not yours. The two are one answer."""

    status = 404

    def __init__(self, code: str = "not_found", message: str = "Not found.", **kwargs: Any) -> None:
        super().__init__(code, message, **kwargs)


class Conflict(DomainError):
    """409: right in itself, but not in the present state."""

    status = 409


class Unprocessable(DomainError):
    """422: an idempotency key came back with another request."""

    status = 422


class TooMany(DomainError):
    """429. `retry_after` in seconds."""

    status = 429

    def __init__(
        self, message: str = "Too many requests.", *, retry_after: int = 60, code: str = "rate_limited"
    ) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """503: something we depend on does not answer."""

    status = 503


class NoSiteContext(RuntimeError):
    """Programming error: tenant data was touched without a site."""
