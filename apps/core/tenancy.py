"""The site whose rows are visible.

PostgreSQL decides by the transaction-local setting `app.current_site_id`; this module is the only writer of it. Outside
`site_context` no site is set and every site table is empty. The setting is never made at session level: a pooled connection
would carry it to the next request (spec: architecture.md, Tenancy 4-5).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connections, transaction

from apps.core.errors import NoSiteContext

_current: ContextVar[UUID | None] = ContextVar("upline_current_site", default=None)


def current_site_id() -> UUID | None:
    """The site of this context, or None. Also the default of every `site` column."""
    return _current.get()


def require_site_id() -> UUID:
    """The site of this context. Raises NoSiteContext, so that a forgotten context fails loudly and not with 0 rows."""
    site_id = _current.get()
    if site_id is None:
        raise NoSiteContext("no site is set: enter site_context(site_id) first")
    return site_id


def site_codes() -> dict[str, UUID]:
    """Every site by its code, inactive ones too. `sites_site` is shared by all, so this works without a context."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT code, id FROM sites_site ORDER BY code")
        return dict(cursor.fetchall())


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


def _set(connection: object, site_id: UUID | None) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT set_config('app.current_site_id', %s, true)", [str(site_id) if site_id else ""])
