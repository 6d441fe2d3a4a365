"""Recomputing a hash chain, and naming the first thing in it that does not fit (X8)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from apps.core import chain
from apps.core.chain import GENESIS, Chain, following, head_of
from apps.core.tenancy import site_context

PAGE = 5000


class Link(NamedTuple):
    """A link and the row it names; `digest` is None where that row is gone."""

    seq: int
    row_id: UUID
    hash: bytes
    digest: bytes | None
    said: str | None
    at: datetime | None

    def fits(self, last: bytes) -> bool:
        return self.digest is not None and following(last, self.digest) == bytes(self.hash)


@dataclass(frozen=True)
class Finding:
    """What broke a chain: the first altered, missing, moved or slipped-in row. `seq` is the number of its link."""

    chain: str
    seq: int
    row_id: UUID
    problem: str
    said: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        parts = [f"link {self.seq}: {self.problem}"]
        if self.said:
            parts.append(self.said)
        if self.at is not None:
            parts.append(f"of {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
        return f"{', '.join(parts)} ({self.row_id})"


def verify(site_id: UUID | str, name: str, *, anchors: Mapping[int, bytes] | None = None) -> Finding | None:
    """Recompute a site's chain and name the first row that does not fit. None when all of it does.

    `anchors` are hashes by link number, kept where an intruder in the database can't reach: with them a cut tail is found even
    where links and head were cut too, and a chain that was rewritten so that it fits itself.
    """
    found = chain.named(name)
    with site_context(site_id) as site:
        last, before, expected, agreed = GENESIS, GENESIS, 0, 0
        kept = anchors or {}
        for link in _links(found, site):
            expected += 1
            if link.seq != expected:
                return _named(found, link, expected, "link missing before it")
            if not link.fits(last):
                return _diagnosed(found, site, link, last=last, before=before)
            before, last = last, bytes(link.hash)
            if link.seq in kept:
                if kept[link.seq] != last:
                    since = f"rewritten since it was anchored, in links {agreed + 1} to {link.seq}"
                    return Finding(name, agreed + 1, link.row_id, since, link.said or "", link.at)
                agreed = link.seq
        return _tail(found, site, expected, last, max(kept, default=0))


def _links(found: Chain, site: UUID, after: int = 0) -> Iterator[Link]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        while True:
            cursor.execute(
                "SELECT l.seq, l.row_id, l.hash,"  # noqa: S608
                f" CASE WHEN t.id IS NULL THEN NULL ELSE {found.digest_sql} END, {found.said_sql}, t.created_at"
                f" FROM {found.link_table} l LEFT JOIN {found.table} t ON t.site_id = l.site_id AND t.id = l.row_id"
                " WHERE l.site_id = %s AND l.seq > %s ORDER BY l.seq LIMIT %s",
                [site, after, PAGE],
            )
            rows = [Link(*row) for row in cursor.fetchall()]
            if not rows:
                return
            yield from rows
            after = rows[-1].seq


def _diagnosed(found: Chain, site: UUID, link: Link, *, last: bytes, before: bytes) -> Finding:
    """Why a link doesn't follow: its row is gone, stands elsewhere, came in between, or has other contents."""
    if link.digest is None:
        return _named(found, link, link.seq, "row missing")
    if before != last and link.fits(before):
        # Without the link before this one everything fits: that one was put in.
        slipped = next(_links(found, site, after=link.seq - 2))
        return _named(found, slipped, slipped.seq, "row slipped in")
    later = _links(found, site, after=link.seq)
    following_one = next(later, None)
    if following_one is not None and following_one.fits(last):
        beyond = next(later, None)
        if beyond is None or beyond.fits(bytes(following_one.hash)):
            return _named(found, link, link.seq, "row slipped in")
        return _named(found, link, link.seq, f"out of order with link {following_one.seq}")
    for other in _links(found, site, after=link.seq):
        if other.digest is None:
            continue
        if other.fits(last) or following(last, other.digest) == bytes(link.hash):
            return _named(found, link, link.seq, f"out of order with link {other.seq}")
    return _named(found, link, link.seq, "row altered")


def _tail(found: Chain, site: UUID, expected: int, last: bytes, anchored: int) -> Finding | None:
    with connection.cursor() as cursor:
        head = head_of(cursor, site, found.name)
        if anchored > expected:
            cut = f"tail cut: links {expected + 1} to {anchored} were anchored and are gone"
            return Finding(found.name, expected + 1, site, cut)
        if head.seq != expected or (head.seq and head.hash != last):
            return Finding(found.name, expected + 1, site, "tail cut")
        cursor.execute(
            f"SELECT t.id, {found.said_sql}, t.created_at FROM {found.table} t"  # noqa: S608
            " WHERE t.site_id = %s AND t.xid < %s::text::xid8"
            f" AND NOT EXISTS (SELECT 1 FROM {found.link_table} l WHERE l.site_id = t.site_id AND l.row_id = t.id)"
            " ORDER BY t.xid, t.id LIMIT 1",
            [site, str(head.sealed_xid)],
        )
        row = cursor.fetchone()
        if row is None:
            return None
        return Finding(found.name, expected + 1, row[0], "row slipped in, without a link", row[1], row[2])


def _named(found: Chain, link: Link, seq: int, problem: str) -> Finding:
    """A row that is gone has left its time in its id: the first 48 bits of a UUIDv7 are milliseconds."""
    at = link.at or datetime.fromtimestamp((link.row_id.int >> 80) / 1000, UTC)
    return Finding(found.name, seq, link.row_id, problem, link.said or "", at)
