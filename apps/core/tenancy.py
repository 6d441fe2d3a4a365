"""The site whose rows are visible.

PostgreSQL decides by the transaction-local setting `app.current_site_id`; this module is the only writer of it. Outside
`site_context` no site is set and every site table is empty. The setting is never made at session level: a pooled connection
would carry it to the next request (spec: architecture.md, Tenancy 4-5).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from apps.core.errors import Denied, NoSiteContext, Unavailable

_current: ContextVar[UUID | None] = ContextVar("upline_current_site", default=None)
_across: ContextVar[bool] = ContextVar("upline_across_sites", default=False)
_known: ContextVar[dict[UUID, "KnownSite"] | None] = ContextVar("upline_known_sites", default=None)
_asked_from: ContextVar[UUID | None] = ContextVar("upline_asked_from", default=None)


def current_site_id() -> UUID | None:
    """The site of this context, or None. Also the default of every `site` column."""
    return _current.get()


def require_site_id() -> UUID:
    """The site of this context. Raises NoSiteContext, so that a forgotten context fails loudly and not with 0 rows."""
    site_id = _current.get()
    if site_id is None:
        raise NoSiteContext("no site is set: enter site_context(site_id) first")
    return site_id


class KnownSite(NamedTuple):
    """What is known of a site without entering it."""

    id: UUID
    code: str
    name: str
    currency: str
    time_zone: str


def known_sites() -> list[KnownSite]:
    """Every site by code, inactive ones too. `sites_site` is shared by all, so this works without a context."""
    with connections[read_alias()].cursor() as cursor:
        cursor.execute("SELECT id, code, name, currency, time_zone FROM sites_site ORDER BY code")
        return [KnownSite(*row) for row in cursor.fetchall()]


def site_of(site_id: UUID | None) -> KnownSite:
    """What is known of the site of a row. Asked once in each reading across sites, and else each time."""
    known = _known.get()
    if known is None:
        return next(site for site in known_sites() if site.id == site_id)
    if not known:
        known.update({site.id: site for site in known_sites()})
    if site_id is None:
        raise NoSiteContext("a row without a site")
    return known[site_id]


def site_codes() -> dict[str, UUID]:
    """{code: id} of every site, inactive ones too."""
    return {site.code: site.id for site in known_sites()}


@contextmanager
def site_context(site_id: UUID | str, *, using: str = "default") -> Iterator[UUID]:
    """Work as one site, in a transaction.

    Outermost, the setting travels in the same round trip as BEGIN (apps.core.postgresql). Nested, it is set by a statement
    and put back at the end, since a local setting outlives the savepoint it was made in.
    """
    site_id = UUID(str(site_id))
    outer = _current.get()
    token = _current.set(site_id)
    connection = connections[using]
    nested = connection.in_atomic_block
    try:
        with transaction.atomic(using=using):
            if nested:
                _set(connection, site_id)
            yield site_id
            if nested and not connection.needs_rollback:
                _set(connection, outer)
    finally:
        _current.reset(token)


class ReadOnly(Denied):
    """403: something was to be written, or done as one site, while all sites were only being read."""

    def __init__(self, message: str = "All sites at once are only read. Work at one site to change something.") -> None:
        super().__init__("read_only", message)


def reading_across() -> bool:
    """Are the rows of all sites being read?"""
    return _across.get()


def read_alias() -> str:
    """The database alias that reads go to: the audit role's while reading across sites."""
    return "audit" if _across.get() else "default"


@contextmanager
def across_sites() -> Iterator[None]:
    """Read the rows of every site, as the read-only audit role (P3).

    The router sends every query there, a write is refused by us (ReadOnly) and would be by the database; so is any statement
    on the app's own connection, which would see one site only and say nothing. `site_context(site, using="audit")` inside
    narrows the rows to one site, by the role's own policy. Raises Unavailable without DATABASE_AUDIT_URL.
    """
    if "audit" not in connections.databases:
        raise Unavailable("audit_role_missing", "Reading across sites needs DATABASE_AUDIT_URL.")
    asked_from = _asked_from.set(_asked_from.get() if _across.get() else _current.get())
    across, current, known = _across.set(True), _current.set(None), _known.set({})
    try:
        with transaction.atomic(using="audit"), connections["default"].execute_wrapper(_refused):
            yield
    finally:
        _current.reset(current)
        _across.reset(across)
        _known.reset(known)
        _asked_from.reset(asked_from)


@contextmanager
def where_it_was_asked() -> Iterator[None]:
    """Out of `across_sites` for a moment, back at the site that asks: the reading itself is audited there."""
    if not _across.get():
        yield
        return
    across, current = _across.set(False), _current.set(_asked_from.get())
    try:
        yield
    finally:
        _current.reset(current)
        _across.reset(across)


def _refused(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    if _across.get():
        raise ReadOnly("This can't be asked for all sites at once.")
    return execute(sql, params, many, context)


def _set(connection: object, site_id: UUID | None) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT set_config('app.current_site_id', %s, true)", [str(site_id) if site_id else ""])
