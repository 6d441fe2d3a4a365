"""What parallel writers leave behind (R11). The full size runs in the benchmark."""

import pytest

from apps.core.tenancy import site_context
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_partner
from apps.referrals.tests.races import race
from apps.referrals.tests.trees import assert_tree_is_sound
from apps.sites import registry


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_hot_sponsors_moves_and_folds_at_once_lose_nothing():
    site_id = registry.by_code("ALPHA").pk
    with site_context(site_id):
        hot = [make_partner().pk for _ in range(3)]

    outcome = race(site_id, signups=300, clients=8, hot=hot, moves=12)

    assert outcome.errors == []
    assert len(outcome.joined) == 300
    assert outcome.moved > 0
    with site_context(site_id):
        assert Partner.objects.people().count() == 303
        assert_tree_is_sound()
