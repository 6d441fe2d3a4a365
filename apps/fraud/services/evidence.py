"""Keeping what was noticed. Both tables only ever learn more: news that come twice, late or shuffled leave the same rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core.ids import uuid7
from apps.core.locks import hold
from apps.core.tenancy import require_site_id
from apps.fraud.services.keys import print_of


@dataclass(frozen=True)
class Found:
    """Evidence about one partner. `value` tells it from other evidence of its kind and is kept as a print only; `words` are for
    people, with what they tell masked; `count` is how many accounts or signups it is about, seen from `at` to `until`."""

    partner_id: UUID
    kind: str
    value: str
    points: int
    words: str
    at: datetime
    other_id: UUID | None = None
    count: int = 1
    until: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """With what a partner was seen, and when. `shown` is the value as words may have it."""

    kind: str
    value: str
    at: datetime
    shown: str = ""

    @property
    def key(self) -> str:
        return print_of(f"trace {self.kind}", self.value)


_LEAVE_TRACES = """
INSERT INTO fraud_trace AS t (id, site_id, partner_id, kind, key, first_seen, last_seen)
SELECT id, %s, %s, kind, key, first_seen, last_seen
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS seen (id, kind, key, first_seen, last_seen)
ON CONFLICT (site_id, partner_id, kind, key) DO UPDATE
SET first_seen = LEAST(t.first_seen, excluded.first_seen), last_seen = GREATEST(t.last_seen, excluded.last_seen)
WHERE excluded.first_seen < t.first_seen OR excluded.last_seen > t.last_seen
"""


def leave_traces(partner_id: UUID, seen: Iterable[Seen]) -> None:
    """Each is locked until the transaction ends, in one order: whoever comes with the same at this moment sees the other."""
    moments: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for each in seen:
        moments[each.kind, each.key].append(each.at)
    known = sorted(moments)
    for kind, key in known:
        hold(f"fraud.{kind}.{key}")
    if known:
        columns: list[Any] = [
            [uuid7() for _ in known], [kind for kind, _ in known], [key for _, key in known],
            [min(moments[each]) for each in known], [max(moments[each]) for each in known],
        ]  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE_TRACES, [require_site_id(), partner_id, *columns])


# Rows are written in one order, so that two who write the same don't wait in a circle. What somebody has decided about weighs
# what it weighed, and says what they read.
_WRITE = """
INSERT INTO fraud_signal AS s
    (id, site_id, partner_id, kind, points, evidence_key, words, other_id, count, first_seen, last_seen)
SELECT id, %s, partner_id, kind, points, evidence_key, words, other_id, count, first_seen, last_seen
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[], %s::uuid[], %s::int[],
            %s::timestamptz[], %s::timestamptz[])
    AS found (id, partner_id, kind, points, evidence_key, words, other_id, count, first_seen, last_seen)
ON CONFLICT (site_id, partner_id, kind, evidence_key) WHERE expired_at IS NULL DO UPDATE
SET points = CASE WHEN s.review_id IS NULL THEN GREATEST(s.points, excluded.points) ELSE s.points END,
    words = CASE WHEN s.review_id IS NULL AND (excluded.points, excluded.count, excluded.words)
                      > (s.points, s.count, s.words) THEN excluded.words ELSE s.words END,
    other_id = CASE WHEN s.review_id IS NULL AND (excluded.points, excluded.count, excluded.words)
                         > (s.points, s.count, s.words) THEN excluded.other_id ELSE s.other_id END,
    count = GREATEST(s.count, excluded.count), first_seen = LEAST(s.first_seen, excluded.first_seen),
    last_seen = GREATEST(s.last_seen, excluded.last_seen)
WHERE (excluded.points, excluded.count, excluded.words) > (s.points, s.count, s.words)
   OR excluded.last_seen > s.last_seen OR excluded.first_seen < s.first_seen
RETURNING partner_id
"""


def write_signals(found: Sequence[Found]) -> set[UUID]:
    """Keep what weighs something, in one statement. Returns whose signals changed."""
    best: dict[tuple[UUID, str, str], Found] = {}
    moments: dict[tuple[UUID, str, str], list[datetime]] = defaultdict(list)
    for each in found:
        place = (each.partner_id, each.kind, print_of(each.kind, each.value))
        if each.points > 0:
            moments[place] += [each.at, each.until or each.at]
            best[place] = max(each, best.get(place, each), key=lambda one: (one.points, one.count, one.words))
    if not best:
        return set()
    known = sorted(best)
    rows = [best[place] for place in known]
    columns: list[Any] = [
        [uuid7() for _ in known], [row.partner_id for row in rows], [row.kind for row in rows],
        [row.points for row in rows], [key for _, _, key in known], [row.words[:200] for row in rows],
        [row.other_id for row in rows], [row.count for row in rows],
        [min(moments[place]) for place in known], [max(moments[place]) for place in known],
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [require_site_id(), *columns])
        return {partner_id for (partner_id,) in cursor.fetchall()}
