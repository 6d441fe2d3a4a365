"""What must hold for a whole tree, recomputed from nothing but sponsors. Also used by the benchmark of R11."""

from collections import Counter, defaultdict

from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.selectors import read_stats


def expected_levels() -> dict:
    """{partner: people at levels 1..20} by walking sponsors."""
    sponsors = dict(Partner.objects.people().order_by().values_list("id", "sponsor_id"))
    counts: dict = defaultdict(Counter)
    for sponsor in sponsors.values():
        above, level = sponsor, 1
        while above is not None and level <= MAX_LEVEL:
            counts[above][level] += 1
            above, level = sponsors[above], level + 1
    return {pk: [counts[pk][level] for level in range(1, MAX_LEVEL + 1)] for pk in sponsors}


def assert_tree_is_sound() -> None:
    """treebeard finds nothing wrong, every sponsor is the parent node, and the statistics equal a recount."""
    assert Partner.objects.find_problems() == ([], [], [], [], [])
    by_path = {partner.path: partner for partner in Partner.objects.all()}
    for partner in by_path.values():
        if partner.depth > 1:
            parent = by_path[partner.path[:-5]]
            assert partner.sponsor_id == (parent.pk if parent.depth > 1 else None)
    expected = expected_levels()
    assert read_stats(expected) == expected
