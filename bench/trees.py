"""The tree at 10,000 and 1,000,000 partners, under row level security."""

import itertools
import random

from django.db import transaction

from apps.core.tenancy import site_context
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.selectors import people
from bench.data import admin, load_partners, make_site
from bench.figures import Figure, alternating

PAGE = 50
SMALL, LARGE = 10_000, 1_000_000

_PAGE_SQL = """
SELECT p.id, p.path, p.depth, p.numchild, p.sponsor_id, p.code, p.status, p.kind, p.joined_at, p.activated_at, p.site_id,
       u.id, u.full_name, u.email
FROM referrals_partner p JOIN accounts_user u ON u.id = p.user_id
WHERE p.site_id = %s AND p.path >= %s AND p.path < %s AND p.depth > %s AND p.depth <= %s ORDER BY p.path LIMIT 50
"""
_COUNTS_SQL = """
SELECT depth, count(*) FROM referrals_partner
WHERE site_id = %s AND path >= %s AND path < %s AND depth > %s AND depth <= %s GROUP BY depth
"""


def run(size: int) -> list[Figure]:
    times = {}
    for code, count in (("BENCHSMALL", min(SMALL, size)), ("BENCHLARGE", size)):
        times[count] = _measure(code, count)
    figures = []
    for index, (name, work) in enumerate(
        (("downline_page", "50 rows, anywhere"), ("level_counts", "20 levels, anywhere"))
    ):
        (small, _), (large, plain) = times[min(SMALL, size)][index], times[size][index]
        figures.append(
            Figure(
                name,
                f"{work} in {size:,} partners",
                f"{large:.2f} ms",
                f"{plain:.2f} ms, plain SQL",
                large / plain,
                "≤ 2",
            )
        )
        growth = Figure(
            f"{name} growth",
            f"{size:,} against {SMALL:,} partners",
            f"{large:.2f} ms",
            f"{small:.2f} ms",
            large / small,
            "≤ 1.3",
        )
        figures.append(growth)
    return figures


def _measure(code: str, size: int) -> list[tuple[float, float]]:
    site = make_site(code)
    ids = load_partners(site, size)
    draw = random.Random(3)
    # The same kind of subtree at either size: people who joined late in a growing tree and have at least a page below them.
    with site_context(site.pk):
        tops = [top for top in Partner.objects.filter(pk__in=draw.sample(ids, 3000)) if top.numchild > 0][:400]
    with admin() as db, site_context(site.pk):
        ours, plain = itertools.cycle(tops), itertools.cycle(tops)

        def our_page() -> None:
            list(people().downline_of(next(ours), depth=MAX_LEVEL)[:PAGE])

        def plain_page() -> None:
            top = next(plain)
            db.execute(_PAGE_SQL, [site.pk, top.path, top.path + "~", top.depth, top.depth + MAX_LEVEL]).fetchall()

        page = alternating(our_page, plain_page, times=400)

        def our_counts() -> None:
            Partner.objects.level_counts(next(ours))

        def plain_counts() -> None:
            top = next(plain)
            db.execute(_COUNTS_SQL, [site.pk, top.path, top.path + "~", top.depth, top.depth + MAX_LEVEL]).fetchall()

        counts = alternating(our_counts, plain_counts, times=400)
        transaction.set_rollback(True)
    return [page, counts]
