"""Everything about one member on one page, by what the viewer's role opens."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership
from apps.audit.services import SYSTEM
from apps.backoffice.selectors.person import Earned
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions
from apps.commissions.tests.factories import make_order, make_plan
from apps.core.tenancy import site_context
from apps.payouts.services import request_payout
from apps.referrals.models import Partner
from apps.referrals.services import set_partner_status
from apps.referrals.tests.factories import make_chain

from .conftest import page_of


@pytest.fixture
def ann(site, deliver):
    """She brought Ben, who bought three times: 100.00 approved, 200.00 to approve; 40.00 asked for; frozen once."""
    make_plan(Rule("*", 1, Kind.PERCENT, Decimal("0.10")))
    ann, ben, _ = make_chain(3)
    for _ in range(3):
        make_order(ben)
    make_order(ann, ("server", 5_000))
    deliver()
    approve_commissions(ids=[Commission.objects.order_by("id")[0].pk], actor=SYSTEM)
    request_payout(user=ann.user, amount=4_000)
    set_partner_status(partner=ann, status="frozen", reason="two accounts", actor=SYSTEM)
    return Membership.objects.get_or_create(user=ann.user)[0]


def page(desk, membership):
    answer = desk.get(page_of(membership))
    assert answer.status_code == 200
    return answer.context["person"], answer.content.decode()


def test_everything_about_one_member(ann, office):
    found, html = page(office("super_admin"), ann)

    assert (found.place.partner.status, found.place.direct, found.place.team) == ("frozen", 1, 2)
    assert (found.wallet.available, found.wallet.held) == (6_000, 4_000)
    assert found.earned == Earned(pending=20_000, approved=10_000, paid=0)
    assert (found.bought.orders, found.bought.amount) == (1, 5_000)
    assert [role.name for role in found.roles] == ["Affiliate"]
    assert [(act.event.action, act.event.reason) for act in found.about] == [("partner.status_changed", "two accounts")]
    assert [act.event.action for act in found.acts] == ["payout.requested"]
    for word in ("₹200.00", "two accounts", found.place.partner.code, "Suspend", "asked for a payout", "required"):
        assert word in html


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("support_agent", {"wallet", "acts", "about"}),
        ("sales_executive", {"wallet", "bought", "acts", "about"}),
        ("affiliate_manager", {"place", "wallet", "earned", "acts", "about"}),
    ],
)
def test_a_role_sees_its_parts(ann, office, role, seen):
    found, _ = page(office(role), ann)

    parts = {name: getattr(found, name) for name in ("roles", "place", "wallet", "bought", "earned", "acts", "about")}
    assert {name for name, part in parts.items() if part is not None} == seen


def test_who_may_not_see_members_sees_no_page(ann, office):
    assert office("payout_manager").get(page_of(ann)).status_code == 403


def test_another_sites_member_is_not_found(office, other_site):
    with site_context(other_site.pk):
        stranger = Membership.objects.get_or_create(user=make_chain(1)[0].user)[0]

    assert office("super_admin").get(page_of(stranger)).status_code in (302, 404)


def test_the_page_costs_the_same_whatever_they_did(ann, office, deliver, steady_sites):
    desk = office("super_admin")
    page(desk, ann)
    with CaptureQueriesContext(connection) as before:
        page(desk, ann)
    for _ in range(3):
        make_order(Partner.objects.get(sponsor__user=ann.user))
    deliver()
    with CaptureQueriesContext(connection) as after:
        page(desk, ann)

    assert len(before) == len(after)
