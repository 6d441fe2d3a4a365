"""Payout minimums of real programs, through orders, commissions and the API."""

from apps.commissions.tests.engine_values import flat
from apps.commissions.tests.factories import approve_all, make_order, make_plan
from apps.referrals.services import join
from apps.sites.models import SiteSettings


def test_tolt_four_commissions_of_5880_in_all_reach_the_minimum_of_5000(api, site, make_user, deliver):
    """docs.tolt.com, commission lifecycle: four commissions, 5880 in all, minimum 5000 → payable. Row 11."""
    SiteSettings.objects.update(payout_minimum=5000)
    make_plan(*flat(1470))
    partner = join(user=make_user("partner@example.com"))
    buyer = join(user=make_user("buyer@example.com"), sponsor=partner)
    payouts = "/api/v1/payouts/request"
    for _ in range(3):
        make_order(buyer, ("plan", 4900))
    deliver()
    approve_all()
    refused = api(partner.user).post(payouts, {})
    assert (refused.status_code, refused.json()["code"]) == (409, "below_minimum")
    make_order(buyer, ("plan", 4900))
    deliver()
    approve_all()

    answer = api(partner.user).post(payouts, {})

    assert (answer.status_code, answer.json()["amount"]) == (201, 5880)
