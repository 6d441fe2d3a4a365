"""Worked examples 1 to 4, 7 to 10, 12 and 13 through everything: plan, tree, order, outbox, wallet."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import flat, percent
from apps.commissions.tests.factories import approve_all, make_order, make_plan, refund_order, set_status
from apps.core.tenancy import site_context
from apps.referrals.tests.factories import make_partner
from apps.sites import registry
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet


@pytest.fixture
def dollars(db):
    """Site DOLLAR, and its context for the whole test."""
    site = registry.by_code("DOLLAR")
    with site_context(site.pk):
        yield site


def family(*names, sponsor=None):
    """Each below the one before."""
    people = []
    for name in names:
        sponsor = make_partner(sponsor, name=name)
        people.append(sponsor)
    return people


def earned(order=None):
    """What each is to get, by name."""
    rows = Commission.objects.filter(order=order) if order else Commission.objects.all()
    totals = {}
    for name, amount in rows.values_list("user__full_name", "amount"):
        totals[name] = totals.get(name, 0) + amount
    return totals


def pay_out(partner, key="payout"):
    amount = wallet.hold_earnings(user_id=partner.user_id, currency="USD", key=key)
    wallet.settle_hold(user_id=partner.user_id, currency="USD", key=key, amount=amount)
    return amount


def test_johnny_refers_betty_who_refers_angela_who_sells_for_a_hundred_dollars(dollars, deliver):
    """Source: support.tapfiliate.com, article 1706768. Three levels at 10, 2 and 1 %."""
    make_plan(*percent("0.10", "0.02", "0.01"))
    *_, customer = family("Johnny", "Betty", "Angela", "Customer")

    make_order(customer, ("shoes", 100_00))
    deliver()

    assert earned() == {"Angela": 10_00, "Betty": 2_00, "Johnny": 1_00}


def test_a_tier_is_paid_on_the_direct_commission(dollars, deliver):
    """Source: help.idevaffiliate.com, tier commission settings. 20 % of $100 is $20, the tier's 10 % of that $2."""
    make_plan(*percent("0.20", "0.10"), base="commission")
    *_, customer = family("Tier", "Affiliate", "Customer")

    make_order(customer, ("shoes", 100_00))
    deliver()

    assert earned() == {"Affiliate": 20_00, "Tier": 2_00}


@pytest.mark.parametrize(("base", "above"), [("commission", [5_00, 4_00, 2_00]), ("order", [50_00, 40_00, 20_00])])
def test_the_same_plan_on_two_bases(dollars, deliver, base, above):
    """Source: docs.uppromote.com, mlm. An order of $1,000, 10 % direct, then 5, 4 and 2 % of one base or the other."""
    make_plan(*percent("0.10", "0.05", "0.04", "0.02"), base=base)
    *_, customer = family("Three", "Two", "One", "Direct", "Customer")

    make_order(customer, ("shoes", 1000_00))
    deliver()

    assert earned() == dict(zip(("Direct", "One", "Two", "Three"), [100_00, *above], strict=True))


@pytest.mark.parametrize(
    ("compression", "from_q", "from_r", "from_t"), [("none", 6_00, 4_80, 0), ("standard", 12_00, 8_00, 3_30)]
)
def test_a_sponsors_p_who_did_not_qualify_this_month(dollars, deliver, compression, from_q, from_r, from_t):
    """Source: globalmlmsolution.com, compression by design. 10, 5 and 3 %; A - P - Q - R - T; Q buys for 120, R for
    160, T for 110. P is inactive: without compression A is still at level 2, 3 and 4; with it A moves down one."""
    make_plan(*percent("0.10", "0.05", "0.03"), compression=compression)
    _, p, q, r, t = family("A", "P", "Q", "R", "T")
    set_status(p, "inactive")

    orders = [make_order(q, ("shoes", 120_00)), make_order(r, ("shoes", 160_00)), make_order(t, ("shoes", 110_00))]
    deliver()

    assert [earned(order).get("A", 0) for order in orders] == [from_q, from_r, from_t]


class TestASaleOf49Dollars:
    """Source: docs.tolt.com, refunds. Its commission of 1470 is taken back, before the payout and after it."""

    @pytest.fixture
    def sale(self, dollars, deliver):
        make_plan(*percent("0.30"))
        self.partner, customer = family("Partner", "Customer")
        order = make_order(customer, ("subscription", 49_00))
        deliver()
        assert earned() == {"Partner": 1470}
        approve_all()
        return order

    def test_refunded_before_the_payout(self, sale, deliver):
        refund_order(sale)
        deliver()

        assert list(Commission.objects.values_list("kind", "amount", "status")) == [("commission", 0, "reversed")]
        assert wallets.wallet_summary(self.partner.user_id).balance == 0

    def test_refunded_after_the_payout(self, sale, deliver):
        assert pay_out(self.partner) == 1470

        refund_order(sale)
        deliver()

        rows = Commission.objects.order_by("id").values_list("kind", "amount", "status")
        assert list(rows) == [("commission", 1470, "paid"), ("clawback", -1470, "approved")]
        assert wallets.wallet_summary(self.partner.user_id).balance == -1470


def test_what_is_owed_is_settled_by_the_next_earning_first(dollars, deliver):
    """Source: support.tapfiliate.com, article 3084530. 0, +10, paid, refunded: −10. The next 25 leave 15."""
    make_plan(*percent("0.10"))
    partner, customer = family("Partner", "Customer")
    order = make_order(customer, ("shoes", 100_00))
    deliver()
    approve_all()
    assert pay_out(partner) == 10_00

    refund_order(order)
    deliver()
    summary = wallets.wallet_summary(partner.user_id)
    assert (summary.available, summary.owed, summary.balance) == (0, 10_00, -10_00)

    make_order(customer, ("shoes", 250_00))
    deliver()
    approve_all()
    summary = wallets.wallet_summary(partner.user_id)
    assert (summary.available, summary.owed, summary.balance) == (15_00, 0, 15_00)
    assert wallets.contradictions() == []


def test_a_hold_of_thirty_days(dollars, deliver):
    """Source: developers.rewardful.com, commission object."""
    make_plan(*percent("0.10"), hold_days=30, approval="auto")
    _, customer = family("Partner", "Customer")

    make_order(customer, ("shoes", 100_00), paid_at=datetime(2020, 8, 19, 16, 28, 25, tzinfo=UTC))
    deliver()

    assert Commission.objects.get().hold_until == datetime(2020, 9, 18, 16, 28, 25, tzinfo=UTC)


def test_two_products_at_their_own_rates(dollars, deliver):
    """Source: etendosoftware/etendo_core, issue 680. 20 at 10 % and 30 at 50 % are 17."""
    make_plan(*percent("0.10", category="A"), *percent("0.50", category="B"))
    _, customer = family("Agent", "Customer")

    make_order(customer, ("A", 20_00), ("B", 30_00))
    deliver()

    assert sorted(Commission.objects.values_list("amount", flat=True)) == [2_00, 15_00]
    assert earned() == {"Agent": 17_00}


def test_the_hosting_document(site, deliver):
    """Source: document H. Server ₹10,000; two domains at ₹100, 50 and 25 each; an addon of ₹999."""
    make_plan(
        *percent("0.20", "0.10", "0.05", category="server"),
        *flat(100_00, 50_00, 25_00, category="domain"),
        *percent("0.15", "0.08", "0.04", category="addon"),
    )
    *_, customer = family("Three", "Two", "One", "Customer")

    make_order(customer, ("server", 10_000_00), ("domain", 1_998_00, 2), ("addon", 999_00))
    deliver()

    def paid(category):
        return list(Commission.objects.filter(category=category).order_by("level").values_list("amount", flat=True))

    assert paid("server") == [2_000_00, 1_000_00, 500_00]
    assert paid("domain") == [200_00, 100_00, 50_00]
    assert paid("addon") == [149_85, 79_92, 39_96]


def test_the_presale_document(dollars, deliver):
    """Source: document P. $250.00 at 12 and 4 %, held for 7 days, then approved by itself."""
    make_plan(*percent("0.12", "0.04", category="token"), hold_days=7, approval="auto")
    theirs, referrer, buyer = family("Theirs", "Referrer", "Buyer")

    make_order(buyer, ("token", 250_00), paid_at=timezone.now() - timedelta(days=6))
    deliver()
    assert earned() == {"Referrer": 30_00, "Theirs": 10_00}
    assert services.approve_due() == 0

    make_order(buyer, ("token", 250_00), paid_at=timezone.now() - timedelta(days=7))
    deliver()
    assert services.approve_due() == 2
    assert wallets.wallet_summary(referrer.user_id).available == 30_00
    assert wallets.wallet_summary(theirs.user_id).available == 10_00


def test_a_partners_own_rate(dollars, deliver):
    """Document P, agents with rates of their own: 15 % instead of 12 %, and everybody else as before."""
    make_plan(*percent("0.12", "0.04", category="token"))
    _, agent, buyer = family("Theirs", "Agent", "Buyer")
    services.set_overrides(partner=agent, rules=percent("0.15", category="token"), actor=SYSTEM)

    make_order(buyer, ("token", 250_00))
    deliver()

    assert earned() == {"Agent": 37_50, "Theirs": 10_00}
