"""The tree at 10,000 and 1,000,000 partners, under row level security."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction

from apps.core.tenancy import site_context
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.selectors import Downline
from bench.data import admin, load_partners, make_site
from bench.figures import Figure, alternating

PAGE, TIMES = 50, 450
TOPS = 50  # few enough to stay in the cache of the server: what a page costs cold is a question to the disk
SMALL = 10_000
TEAM = (50, 400)  # at least a page below them, and the same kind of team in a tree of either size

_TOPS_SQL = """
SELECT partner_id FROM referrals_partnerstats
WHERE site_id = %s AND (SELECT sum(people) FROM unnest(levels) AS people) BETWEEN %s AND %s ORDER BY md5(id::text) LIMIT %s
"""
_PAGE_SQL = """
SELECT p.id, p.path, p.depth, p.sponsor_id, p.user_id, p.code, p.status, p.kind, p.joined_at, u.full_name, u.email
FROM referrals_partner p JOIN accounts_user u ON u.id = p.user_id
WHERE p.site_id = %s AND p.path > %s AND p.path < %s AND p.depth + 0 <= %s ORDER BY p.path LIMIT 50
"""
_COUNTS_SQL = """
SELECT depth, count(*) FROM referrals_partner
WHERE site_id = %s AND path > %s AND path < %s AND depth + 0 <= %s GROUP BY depth
"""
# As many rows, from no table: how quick the machine was at that moment. Others use it too, and between the sizes lie minutes.
_YARDSTICK_SQL = """
SELECT gen_random_uuid(), repeat('x', 60), n, gen_random_uuid(), gen_random_uuid(), 'CODE', 'active', 'user', now(), 'Name',
       'name@example.com' FROM generate_series(1, 50) AS n
"""


@dataclass(frozen=True)
class Times:
    """Median milliseconds."""

    ours: float
    plain: float
    yardstick: float


def run(size: int) -> list[Figure]:
    small, large = _measure("BENCHSMALL", min(SMALL, size)), _measure("BENCHLARGE", size)
    figures = []
    for name, work in (("downline_page", "50 rows"), ("level_counts", "20 levels")):
        few, many = small[name], large[name]
        about = f"{work}, anywhere in {size:,} partners"
        limit = f"{many.plain:.2f} ms, plain SQL"
        figures.append(Figure(name, about, f"{many.ours:.2f} ms", limit, many.ours / many.plain, "≤ 2"))
        growth = (many.ours / many.yardstick) / (few.ours / few.yardstick)
        about = f"{size:,} against {SMALL:,} partners, teams of {TEAM[0]} to {TEAM[1]}"
        figures.append(Figure(f"{name} growth", about, f"{many.ours:.2f} ms", f"{few.ours:.2f} ms", growth, "≤ 1.3"))
    return figures


def _measure(code: str, size: int) -> dict[str, Times]:
    site = make_site(code)
    load_partners(site, size)
    with admin() as db, site_context(site.pk):
        ids = [row[0] for row in db.execute(_TOPS_SQL, [site.pk, *TEAM, TOPS])]
        tops = list(Partner.objects.filter(pk__in=ids))
        db.execute("SET plan_cache_mode = force_generic_plan")  # planned once, as ours

        def plainly(sql: str) -> Callable[[], object]:
            each = itertools.cycle(tops)

            def read() -> object:
                top = next(each)
                values = [site.pk, top.path, top.path + "~", top.depth + MAX_LEVEL]
                return db.execute(sql, values).fetchall()

            return read

        def yardstick() -> object:
            return db.execute(_YARDSTICK_SQL).fetchall()

        pages: Iterator[Partner] = itertools.cycle(tops)
        page = alternating(
            lambda: Downline(next(pages))[:PAGE],
            plainly(_PAGE_SQL),
            yardstick,
            times=TIMES,
        )
        counted: Iterator[Partner] = itertools.cycle(tops)
        counts = alternating(
            lambda: Partner.objects.level_counts(next(counted)), plainly(_COUNTS_SQL), yardstick, times=TIMES
        )
        transaction.set_rollback(True)
    return {"downline_page": Times(*page), "level_counts": Times(*counts)}
