import pytest

from apps.allocations.tests.factories import make_custody, make_token_order
from apps.bonuses import services as bonuses
from apps.bonuses.tests.factories import bid, make_rules, referred_by
from apps.commissions.models import Commission
from apps.commissions.services import approve_commission, commission_orders
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan
from apps.payouts.services import request_payout
from apps.referrals.tests.factories import make_partner
from apps.wallet.tests.factories import give_earnings


@pytest.fixture
def officer(make_user):
    return make_user("officer@example.com", roles=["super_admin"])


@pytest.fixture
def rita(site, officer, deliver):
    """A partner with two recruits, one of everything that waits, and a bonus that was approved."""
    make_rules({"type": "first_bid", "kind": "fixed", "value": 2_500})
    make_plan(*percent("0.10"), approval="auto")
    rita = make_partner(name="Rita")
    recruits = referred_by(rita, 2)
    commission_orders([make_order(each, ("server", 10_000)).pk for each in recruits])
    approve_commission(commission=Commission.objects.order_by("id")[0], actor=officer)
    first, _ = (bid(each).bonus for each in recruits)
    bonuses.decide_bonus(bonus=first, status="approved", actor=officer)
    give_earnings(rita.user, 5_000)
    request_payout(user=rita.user, amount=1_500)
    make_custody()
    make_token_order(rita.user, "100")
    deliver()
    rita.refresh_from_db()
    return rita
