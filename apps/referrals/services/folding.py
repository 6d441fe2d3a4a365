"""Rolling the tail of signups into the statistics of everybody above them (T5)."""

from django.db import connection

from apps.core.tenancy import require_site_id
from apps.referrals.models import MAX_LEVEL
from apps.referrals.models.partner import STEP
from apps.referrals.services.locks import hold_tree

# Rows are claimed by deleting them: a high-water mark on the id would lose whoever commits late. Paths are joined now, since
# a stored one goes stale by a move. All in one statement, so a reader sees the tail before or the stats after, never both.
FOLD = f"""
WITH claimed AS (
    DELETE FROM referrals_statstail RETURNING partner_id
), counts AS (
    SELECT left(p.path, {STEP} * (p.depth - level)) AS path, level, count(*) AS joined
    FROM claimed JOIN referrals_partner p ON p.id = claimed.partner_id
    CROSS JOIN generate_series(1, {MAX_LEVEL}) AS level
    WHERE p.depth - level > 1
    GROUP BY 1, 2
), every_level AS (
    SELECT path, level, sum(joined)::bigint AS joined
    FROM (SELECT path, level, joined FROM counts
          UNION ALL
          SELECT path, level, 0 FROM (SELECT DISTINCT path FROM counts) above, generate_series(1, {MAX_LEVEL}) AS level) padded
    GROUP BY path, level
), deltas AS (
    SELECT path, array_agg(joined ORDER BY level) AS levels FROM every_level GROUP BY path
), updated AS (
    UPDATE referrals_partnerstats s
    SET levels = (SELECT array_agg(was + more ORDER BY place)
                  FROM unnest(s.levels, d.levels) WITH ORDINALITY AS sums(was, more, place))
    FROM deltas d JOIN referrals_partner a ON a.path = d.path
    WHERE s.partner_id = a.id
    RETURNING 1
)
SELECT (SELECT count(*) FROM claimed), (SELECT count(*) FROM updated)
"""  # noqa: S608 - two constants


def fold_stats(*, wait: bool = False) -> int:
    """Fold the present site's tail. Returns how many signups; 0 when another fold is at work, unless told to `wait`.

    Shares the tree with signups and keeps moves out, which also rewrite statistics.
    """
    hold_tree()
    with connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock(key) IS NOT NULL" if wait else "pg_try_advisory_xact_lock(key)"
        cursor.execute(f"SELECT {lock} FROM hashtextextended(%s, 0) AS key", [f"fold:{require_site_id()}"])  # noqa: S608
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(FOLD)
        claimed: int = cursor.fetchone()[0]
    return claimed
