"""Hash chains over append-only tables (X8).

Chaining inline would make every writer of a site wait for the one before (1,100 entries/s instead of 2,700, measured). So rows
are written freely, and a sealer chains what is committed: rows of transactions below the oldest one still running, ordered by
(transaction, id), each hash = sha256(previous hash || sha256(row)). The links live in a table of their own. A changed row no
longer gives its hash; a deleted one leaves its link behind; `apps.core.verification` names the first of either.

A table joins by `register`, with the SQL that renders a row: explicit columns, since a column added later must not change the
digest of rows that are already sealed. The table needs `xid xid8 DEFAULT pg_current_xact_id()`.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core.ids import uuid7
from apps.core.tenancy import site_context

GENESIS = bytes(32)


@dataclass(frozen=True)
class Chain:
    """`row_sql` renders a row `t` of `table` as jsonb; `link_table` holds (site_id, id, seq, row_id, hash). `said_sql` is what
    a finding calls the row; its time is `created_at`."""

    name: str
    table: str
    link_table: str
    row_sql: str
    said_sql: str

    @property
    def digest_sql(self) -> str:
        return f"sha256(convert_to(({self.row_sql})::text, 'UTF8'))"


@dataclass(frozen=True)
class Head:
    """How far a site's chain is sealed: its last link, and below which transaction."""

    seq: int
    hash: bytes
    sealed_xid: int


_chains: dict[str, Chain] = {}


def register(chain: Chain) -> None:
    _chains[chain.name] = chain


def names() -> list[str]:
    return sorted(_chains)


def named(name: str) -> Chain:
    return _chains[name]


def seal(site_id: UUID | str, name: str) -> int:
    """Chain what is committed and not sealed yet. Returns how many rows. Idempotent, safe in parallel."""
    chain = _chains[name]
    with site_context(site_id) as site, connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"chain:{name}:{site}"])
        if not cursor.fetchone()[0]:
            return 0
        head = head_of(cursor, site, name)
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        horizon = cursor.fetchone()[0]
        rows = _chained(head, _waiting(cursor, chain, site, head, horizon))
        if rows:
            cursor.execute(
                f"INSERT INTO {chain.link_table} (id, site_id, seq, row_id, hash)"  # noqa: S608
                " SELECT u.id, %s, u.seq, u.row_id, u.hash"
                " FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::bytea[]) AS u(id, seq, row_id, hash)",
                [site, *(list(column) for column in zip(*rows, strict=True))],
            )
        seq, last = (rows[-1][1], rows[-1][3]) if rows else (head.seq, head.hash)
        cursor.execute(
            "INSERT INTO core_chainhead (id, site_id, chain, seq, hash, sealed_xid) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (site_id, chain) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash,"
            " sealed_xid = EXCLUDED.sealed_xid",
            [uuid7(), site, name, seq, last, horizon],
        )
    return len(rows)


def _waiting(cursor: Any, chain: Chain, site: UUID, head: Head, horizon: int) -> list[tuple[UUID, bytes]]:
    """(id, digest) of what is to be sealed, in the chain's order.

    A horizon below what was sealed means that transaction ids began anew: the dump was restored into another cluster. Then what
    has no link is taken from below the horizon and, committed in the cluster that was, from the old ids upwards (ADR 0012).
    """
    begun_anew = horizon < head.sealed_xid
    window = "(t.xid >= %s::text::xid8 OR t.xid < %s::text::xid8)" if begun_anew else (
        "t.xid >= %s::text::xid8 AND t.xid < %s::text::xid8"
    )  # fmt: skip
    cursor.execute(
        f"SELECT t.id, {chain.digest_sql} FROM {chain.table} t WHERE t.site_id = %s AND {window}"  # noqa: S608
        f" AND NOT EXISTS (SELECT 1 FROM {chain.link_table} l WHERE l.site_id = t.site_id AND l.row_id = t.id)"
        " ORDER BY t.xid, t.id",
        [site, str(head.sealed_xid), str(horizon)],
    )
    found: list[tuple[UUID, bytes]] = cursor.fetchall()
    return found


def _chained(head: Head, waiting: list[tuple[UUID, bytes]]) -> list[tuple[UUID, int, UUID, bytes]]:
    seq, last, rows = head.seq, head.hash, []
    for row_id, digest in waiting:
        seq, last = seq + 1, following(last, digest)
        rows.append((uuid7(), seq, row_id, last))
    return rows


def following(last: bytes, digest: bytes) -> bytes:
    """The hash of the link whose row has `digest` and that comes after `last`."""
    return hashlib.sha256(last + bytes(digest)).digest()


def head_of(cursor: Any, site: UUID, name: str) -> Head:
    cursor.execute("SELECT seq, hash, sealed_xid FROM core_chainhead WHERE site_id = %s AND chain = %s", [site, name])
    row = cursor.fetchone()
    return Head(row[0], bytes(row[1]) or GENESIS, row[2]) if row else Head(0, GENESIS, 0)
