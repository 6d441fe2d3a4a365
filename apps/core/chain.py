"""Hash chains over append-only tables (X8).

Chaining inline would make every writer of a site wait for the one before (1,100 entries/s instead of 2,700, measured). So rows
are written freely, and a sealer chains what is committed: rows of transactions below the oldest one still running, ordered by
(transaction, id), each hash = sha256(previous hash || sha256(row)). The links live in a table of their own. A changed row no
longer gives its hash; a deleted one leaves its link behind; `verify` names the first of either.

A table joins by `register`, with the SQL that renders a row: explicit columns, since a column added later must not change the
digest of rows that are already sealed. The table needs `xid xid8 DEFAULT pg_current_xact_id()`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from apps.core.ids import uuid7
from apps.core.tenancy import site_context

GENESIS = bytes(32)


@dataclass(frozen=True)
class Chain:
    """`row_sql` renders a row `t` of `table` as jsonb; `link_table` holds (site_id, id, seq, row_id, hash)."""

    name: str
    table: str
    link_table: str
    row_sql: str

    @property
    def digest_sql(self) -> str:
        return f"sha256(convert_to(({self.row_sql})::text, 'UTF8'))"


@dataclass(frozen=True)
class Finding:
    """What broke a chain: the first altered, missing or unchained row."""

    chain: str
    seq: int
    row_id: UUID
    problem: str


_chains: dict[str, Chain] = {}


def register(chain: Chain) -> None:
    _chains[chain.name] = chain


def names() -> list[str]:
    return sorted(_chains)


def seal(site_id: UUID | str, name: str) -> int:
    """Chain what is committed and not sealed yet. Returns how many rows. Idempotent, safe in parallel."""
    chain = _chains[name]
    with site_context(site_id) as site, connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"chain:{name}:{site}"])
        if not cursor.fetchone()[0]:
            return 0
        seq, last, sealed_xid = _head(cursor, site, name)
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        horizon = cursor.fetchone()[0]
        cursor.execute(
            f"SELECT t.id, {chain.digest_sql} FROM {chain.table} t"  # noqa: S608
            " WHERE t.site_id = %s AND t.xid >= %s::text::xid8 AND t.xid < %s::text::xid8 ORDER BY t.xid, t.id",
            [site, str(sealed_xid), str(horizon)],
        )
        rows = []
        for row_id, digest in cursor.fetchall():
            seq, last = seq + 1, hashlib.sha256(last + bytes(digest)).digest()
            rows.append((uuid7(), seq, row_id, last))
        if rows:
            cursor.execute(
                f"INSERT INTO {chain.link_table} (id, site_id, seq, row_id, hash)"  # noqa: S608
                " SELECT u.id, %s, u.seq, u.row_id, u.hash"
                " FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::bytea[]) AS u(id, seq, row_id, hash)",
                [site, *(list(column) for column in zip(*rows, strict=True))],
            )
        cursor.execute(
            "INSERT INTO core_chainhead (id, site_id, chain, seq, hash, sealed_xid) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (site_id, chain) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash,"
            " sealed_xid = EXCLUDED.sealed_xid",
            [uuid7(), site, name, seq, last, horizon],
        )
    return len(rows)


def verify(site_id: UUID | str, name: str) -> Finding | None:
    """Recompute a site's chain and name the first row that does not fit. None when all of it does."""
    chain = _chains[name]
    with site_context(site_id) as site:
        last, expected = GENESIS, 0
        for seq, row_id, stored, digest in _links(chain, site):
            expected += 1
            if seq != expected:
                return Finding(name, expected, row_id, "link missing")
            if digest is None:
                return Finding(name, seq, row_id, "row missing")
            last = hashlib.sha256(last + bytes(digest)).digest()
            if last != bytes(stored):
                return Finding(name, seq, row_id, "row altered")
        return _tail(chain, site, expected, last)


def _links(chain: Chain, site: UUID) -> Iterator[tuple[int, UUID, bytes, bytes | None]]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        after = 0
        while True:
            cursor.execute(
                f"SELECT l.seq, l.row_id, l.hash, CASE WHEN t.id IS NULL THEN NULL ELSE {chain.digest_sql} END"  # noqa: S608
                f" FROM {chain.link_table} l LEFT JOIN {chain.table} t ON t.site_id = l.site_id AND t.id = l.row_id"
                " WHERE l.site_id = %s AND l.seq > %s ORDER BY l.seq LIMIT 5000",
                [site, after],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            yield from rows
            after = rows[-1][0]


def _tail(chain: Chain, site: UUID, expected: int, last: bytes) -> Finding | None:
    with connection.cursor() as cursor:
        seq, head, sealed_xid = _head(cursor, site, chain.name)
        if seq != expected or (seq and bytes(head) != last):
            return Finding(chain.name, expected + 1, site, "tail cut")
        cursor.execute(
            f"SELECT t.id FROM {chain.table} t WHERE t.site_id = %s AND t.xid < %s::text::xid8"  # noqa: S608
            f" AND NOT EXISTS (SELECT 1 FROM {chain.link_table} l WHERE l.site_id = t.site_id AND l.row_id = t.id)"
            " ORDER BY t.xid, t.id LIMIT 1",
            [site, str(sealed_xid)],
        )
        row = cursor.fetchone()
        return Finding(chain.name, expected + 1, row[0], "row slipped in") if row else None


def _head(cursor: object, site: UUID, name: str) -> tuple[int, bytes, int]:
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT seq, hash, sealed_xid FROM core_chainhead WHERE site_id = %s AND chain = %s", [site, name]
    )
    row = cursor.fetchone()  # type: ignore[attr-defined]
    return (row[0], bytes(row[1]) or GENESIS, row[2]) if row else (0, GENESIS, 0)
