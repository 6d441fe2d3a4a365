"""The overview: where the money is, and what to do next."""

import pytest

from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions
from apps.commissions.tests.factories import make_order
from apps.payouts import services as payouts

pytestmark = pytest.mark.django_db


def test_the_first_visit_teaches_the_first_step(signed_in, ann):
    page = signed_in(ann).get("/dashboard/").content.decode()

    assert "Your first commission stands here as soon as somebody buys through your link." in page
    assert f"http://alpha.localhost/r/{ann.partner.code}" in page


def test_the_parts_of_the_strip_add_up_to_what_was_earned(signed_in, ann, ben, plan, deliver, make_user):
    for amount in (80000, 40000, 20000):
        make_order(ben.partner, ("server", amount))
    deliver()
    actor = make_user(roles=["affiliate_manager", "payout_manager"])
    first, second, _ = Commission.objects.filter(user=ann).order_by("-amount")
    approve_commissions(ids=[first.pk], actor=actor)
    payout = payouts.approve_payout(payout=payouts.request_payout(user=ann), actor=actor)
    payouts.process_payout(payout=payout, actor=actor, reference="R")
    approve_commissions(ids=[second.pk], actor=actor)

    response = signed_in(ann).get("/dashboard/")

    money = response.context["money"]
    assert (money.paid, money.available, money.pending, money.total) == (10000, 5000, 2500, 17500)
    assert "₹175.00" in response.content.decode()
    assert response.context["earned"].tile.value == 17500
    assert response.context["earned"].chart.total == 17500


def test_the_next_step_follows_from_the_state(signed_in, ann):
    from apps.wallet.tests.factories import give_earnings

    client = signed_in(ann)
    assert "Request payout" not in client.get("/dashboard/").content.decode()
    give_earnings(ann, 1000)
    assert "Request payout" in client.get("/dashboard/").content.decode()
    payouts.request_payout(user=ann)
    assert "Track payout" in client.get("/dashboard/").content.decode()


@pytest.mark.parametrize(
    ("status", "words"),
    [("pending", "Your link does not work yet."), ("inactive", "inactive"), ("frozen", "frozen")],
)
def test_a_partner_who_is_not_active_is_told(signed_in, make_partner, status, words):
    newcomer = make_partner("Nia Example", status=status)

    assert words in signed_in(newcomer).get("/dashboard/").content.decode()


def test_staff_are_shown_the_way_to_the_back_office(signed_in, make_user):
    staff = make_user("staff@example.com", roles=["admin"], password="a-long-password-1")

    page = signed_in(staff).get("/dashboard/").content.decode()

    assert "Open the back office" in page
    assert "Commissions</a>" not in page


def test_a_partner_whose_role_was_taken_is_refused(signed_in, ann):
    from apps.rbac.models import UserRole

    client = signed_in(ann)
    UserRole.objects.filter(user=ann).delete()

    assert client.get("/dashboard/").status_code == 403


def test_no_cache_keeps_a_person_s_page(signed_in, ann):
    assert "no-store" in signed_in(ann).get("/dashboard/").headers["Cache-Control"]


def test_the_queries_are_as_many_with_a_team_and_sales(
    signed_in, ann, ben, cleo, plan, deliver, nested, django_assert_num_queries
):
    for _ in range(5):
        make_order(cleo.partner, ("server", 10000))
    deliver()
    client = signed_in(ann)
    client.get("/dashboard/")  # a process reads a published plan once

    # Session, caller, partner, settings (2), wallet; money (3), open payout, plan, own rates, earned (2), traffic (2),
    # levels, links (4), latest.
    with django_assert_num_queries(nested + 24):
        client.get("/dashboard/")


def test_ones_own_rate_is_the_one_shown(signed_in, ann, plan):
    from decimal import Decimal

    from apps.audit.services import SYSTEM
    from apps.commissions.engine import Kind, Rule
    from apps.commissions.services import set_overrides

    client = signed_in(ann)
    assert "12.5\xa0% of server" in client.get("/dashboard/").content.decode()
    set_overrides(partner=ann.partner, rules=[Rule("server", 1, Kind.PERCENT, Decimal("0.30"))], actor=SYSTEM)
    assert "30\xa0% of server" in client.get("/dashboard/").content.decode()
