"""What a refund takes back: of what is pending, approved, in a payout, paid (X10), at the original version (X2)."""

import pytest

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission
from apps.core.models import OutboxEvent
from apps.referrals.tests.factories import make_chain
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet

from .engine_values import percent
from .factories import amounts, approve_all, make_order, make_plan, refund_order

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def pair():
    """Sponsor and buyer under a plan of 30 %."""
    make_plan(*percent("0.30"))
    return make_chain(2)


def rows():
    found = Commission.objects.order_by("id")
    return list(found.values_list("kind", "amount", "reversed_amount", "status"))


def pockets(partner):
    found = wallets.wallet_summary(partner.user_id)
    return found.available, found.held, found.owed


def pay_out(partner, amount=None, key="payout"):
    held = wallet.hold_earnings(user_id=partner.user_id, currency="INR", key=key, amount=amount)
    wallet.settle_hold(user_id=partner.user_id, currency="INR", key=key, amount=held)


@pytest.fixture(autouse=True)
def _the_books_agree(site):
    yield
    assert wallets.contradictions() == []


class TestPending:
    def test_shrinks_in_proportion_and_at_zero_is_reversed(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()

        refund_order(order, 1000)
        deliver()
        assert rows() == [("commission", 1170, 300, "pending")]

        refund_order(order)
        deliver()
        assert rows() == [("commission", 0, 1470, "reversed")]
        assert pockets(pair[0]) == (0, 0, 0)

    def test_odd_units_come_out_as_one_refund_of_the_sum_would(self, pair, deliver):
        order = make_order(pair[1], ("a", 101))
        deliver()

        for part in (1, 1, 1, 7, 13, 78):
            refund_order(order, part)
            deliver()

        assert rows() == [("commission", 0, 30, "reversed")]

    def test_is_spread_over_the_lines(self, deliver):
        make_plan(*percent("0.10", category="a"), *percent("0.50", category="b"))
        order = make_order(make_chain(2)[1], ("a", 2000), ("b", 3000))
        deliver()

        refund_order(order, 2500)
        deliver()

        found = Commission.objects.order_by("category").values_list("category", "amount", "reversed_amount")
        assert list(found) == [("a", 100, 100), ("b", 750, 750)]

    def test_every_level_is_mirrored(self, deliver):
        make_plan(*percent("0.10", "0.05", "0.01"))
        order = make_order(make_chain(4)[-1], ("a", 10_000))
        deliver()

        refund_order(order, 5_000)
        deliver()

        assert amounts() == {1: 500, 2: 250, 3: 50}


class TestApproved:
    def test_shrinks_with_the_wallet(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()

        refund_order(order, 1000)
        deliver()
        assert rows() == [("commission", 1170, 300, "approved")]
        assert pockets(pair[0]) == (1170, 0, 0)

        refund_order(order)
        deliver()
        assert rows() == [("commission", 0, 1470, "reversed")]
        assert pockets(pair[0]) == (0, 0, 0)

    def test_what_an_open_payout_has_is_clawed_back(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        wallet.hold_earnings(user_id=pair[0].user_id, currency="INR", key="p", amount=1470)

        refund_order(order)
        deliver()

        assert rows() == [("commission", 1470, 1470, "approved"), ("clawback", -1470, 0, "approved")]
        assert pockets(pair[0]) == (0, 1470, 1470)

        wallet.settle_hold(user_id=pair[0].user_id, currency="INR", key="p", amount=1470)
        assert rows() == [("commission", 1470, 1470, "paid"), ("clawback", -1470, 0, "approved")]
        assert pockets(pair[0]) == (0, 0, 1470)

    def test_what_was_paid_in_part_is_taken_from_the_rest_first(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0], 1000)

        refund_order(order)
        deliver()

        assert rows() == [("commission", 1000, 1470, "paid"), ("clawback", -1000, 0, "approved")]
        assert pockets(pair[0]) == (0, 0, 1000)


class TestPaid:
    def test_is_clawed_back_and_owed(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0])

        refund = refund_order(order)
        deliver()

        assert rows() == [("commission", 1470, 1470, "paid"), ("clawback", -1470, 0, "approved")]
        assert pockets(pair[0]) == (0, 0, 1470)
        clawback = Commission.objects.get(kind="clawback")
        original = Commission.objects.get(kind="commission")
        assert (clawback.clawback_of, clawback.source_kind, clawback.source_id) == (original, "refund", refund.pk)
        assert (clawback.version, clawback.level, clawback.partner) == (original.version, 1, pair[0])
        assert (clawback.original_amount, clawback.refunded_before, clawback.refunded_after) == (-1470, 0, 4900)

    def test_in_parts_each_with_a_row_of_its_own(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0])

        for amount in (1000, None):
            refund_order(order, amount)
            deliver()

        assert rows() == [
            ("commission", 1470, 1470, "paid"),
            ("clawback", -300, 0, "approved"),
            ("clawback", -1170, 0, "approved"),
        ]
        assert pockets(pair[0]) == (0, 0, 1470)

    def test_the_next_earning_settles_it_first_and_then_the_next_payout_nets_it(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0])
        refund_order(order)
        deliver()

        make_order(pair[1], ("a", 10_000))
        deliver()
        approve_all()
        assert pockets(pair[0]) == (1530, 0, 0)
        pay_out(pair[0], key="second")

        assert rows() == [
            ("commission", 1470, 1470, "paid"),
            ("clawback", -1470, 0, "paid"),
            ("commission", 3000, 0, "paid"),
        ]
        paid = sum(Commission.objects.filter(status="paid").values_list("amount", flat=True))
        assert paid == 1470 + 1530

    def test_other_earnings_pay_for_it_at_once(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0])
        make_order(pair[1], ("a", 10_000))
        deliver()
        approve_all()

        refund_order(order)
        deliver()

        assert pockets(pair[0]) == (1530, 0, 0)
        assert rows()[2] == ("clawback", -1470, 0, "approved")


class TestAnyOrder:
    def test_a_refund_that_overtakes_its_order(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        refund = refund_order(order, 1000)

        services.mirror_refund(refund_id=refund.pk)
        deliver()

        assert rows() == [("commission", 1170, 300, "pending")]

    def test_a_refund_delivered_again_changes_nothing(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0])
        refund_order(order, 1000)
        deliver()

        OutboxEvent.objects.update(done_at=None)
        deliver()

        assert rows() == [("commission", 1470, 300, "paid"), ("clawback", -300, 0, "approved")]
        assert pockets(pair[0]) == (0, 0, 300)

    def test_two_refunds_recorded_before_either_is_mirrored(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        refund_order(order, 1000)
        refund_order(order, 2000)

        deliver()

        assert rows() == [("commission", 570, 900, "pending")]

    def test_what_was_rejected_stays_so(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        services.reject_commission(commission=Commission.objects.get(), reason="No", actor=SYSTEM)

        refund_order(order)
        deliver()

        assert rows() == [("commission", 1470, 0, "rejected")]

    def test_a_later_plan_has_no_say(self, pair, deliver):
        order = make_order(pair[1], ("a", 4900))
        deliver()
        approve_all()
        pay_out(pair[0])

        make_plan(*percent("0.90"))
        refund_order(order)
        deliver()

        assert Commission.objects.get(kind="clawback").amount == -1470
