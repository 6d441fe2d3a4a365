"""Compression in a tree deeper than a plan: the twentieth level is paid to the twentieth who counts, however far above."""

import pytest

from apps.commissions.models import Commission
from apps.commissions.services import commission_orders
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan, set_status
from apps.referrals.services import join


@pytest.fixture
def line(make_user):
    """Thirty people, each under the one before, the top first."""
    people, sponsor = [], None
    for _ in range(30):
        sponsor = join(user=make_user(), sponsor=sponsor)
        people.append(sponsor)
    return people


def test_whoever_is_skipped_makes_room_for_one_more_above(site, line):
    make_plan(*percent(*["0.01"] * 20), compression="standard")
    buyer, above = line[-1], list(reversed(line[:-1]))
    for skipped in above[2:5]:
        set_status(skipped, "inactive")

    commission_orders([make_order(buyer).pk])

    paid = dict(Commission.objects.values_list("level", "partner_id"))
    counted = [partner.pk for partner in above if partner not in above[2:5]]
    assert paid == {level: counted[level - 1] for level in range(1, 21)}
