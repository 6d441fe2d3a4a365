"""Writing down how far each chain is, and checking chains against what was written (X8, ADR 0012)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apps.core import anchors, chain
from apps.core.anchors import Anchor, Anchors
from apps.core.tenancy import site_codes, site_context
from apps.core.verification import Finding, verify


@dataclass(frozen=True)
class Anchoring:
    """How many lines were written, and which chains contradict their last line and got none."""

    written: int
    problems: list[str]


def anchor_chains(path: Path) -> Anchoring:
    """A line for every chain that has grown since its last one. A chain that contradicts that one is named instead."""
    known, fresh, problems = anchors.latest(path), [], []
    for code, site_id, name in _chains():
        before = known.get((code, name))
        with site_context(site_id) as site, connection.cursor() as cursor:
            head = chain.head_of(cursor, site, name)
            if before is not None and _hash_at(name, site, before.seq) != before.hash:
                problems.append(f"{code}, {name}: link {before.seq} is not what was anchored at {before.at}")
                continue
        if head.seq and (before is None or head.seq > before.seq):
            fresh.append(Anchor(timezone.now().isoformat(timespec="seconds"), code, name, head.seq, head.hash.hex()))
    return Anchoring(anchors.append(path, fresh) if fresh else 0, problems)


def _chains() -> Iterator[tuple[str, UUID, str]]:
    for code, site_id in site_codes().items():
        for name in chain.names():
            yield code, site_id, name


def _hash_at(name: str, site: UUID, seq: int) -> str:
    with connection.cursor() as cursor:
        table = chain.named(name).link_table
        cursor.execute(f"SELECT hash FROM {table} WHERE site_id = %s AND seq = %s", [site, seq])  # noqa: S608
        row = cursor.fetchone()
    return bytes(row[0]).hex() if row else ""


def check_chain(code: str, site_id: UUID, name: str, kept: Anchors | None) -> Finding | None:
    """Seal what is due, then recompute a site's chain, against the anchors where there are some."""
    chain.seal(site_id, name)
    return verify(site_id, name, anchors=kept.of(code, name) if kept else None)


def load(given: str | None) -> Anchors | None:
    """The anchors of a file, by default ours; None when ours isn't there yet. Raises AnchorsUnreadable."""
    path = Path(given).expanduser() if given else anchors.default_file()
    return anchors.read(path) if given or path.exists() else None


def lost_sites(kept: Anchors | None) -> list[str]:
    """Sites that were anchored and that the database no longer knows."""
    return sorted(kept.sites - site_codes().keys()) if kept else []
