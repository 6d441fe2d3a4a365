"""Worked examples 1 to 4, 7, 10, 12 and 13, by the engine alone: published plans and what they say they pay."""

import pytest

from apps.commissions.engine import Base, Compression, mirror, outcomes_for
from apps.commissions.tests.engine_values import flat, line, paid, percent, plan, upline


def test_johnny_refers_betty_who_refers_angela_who_sells_for_a_hundred_dollars():
    """Source: support.tapfiliate.com, article 1706768. Three levels at 10, 2 and 1 %."""
    terms = plan(*percent("0.10", "0.02", "0.01"))

    outcomes = outcomes_for(line(100_00), terms, upline("Angela", "Betty", "Johnny"), currency="USD")

    assert paid(outcomes) == {"Angela": 10_00, "Betty": 2_00, "Johnny": 1_00}


def test_a_tier_is_paid_on_the_direct_commission():
    """Source: help.idevaffiliate.com, tier commission settings. 20 % of $100 is $20, the tier's 10 % of that $2."""
    terms = plan(*percent("0.20", "0.10"), base=Base.COMMISSION)

    outcomes = outcomes_for(line(100_00), terms, upline("affiliate", "tier"), currency="USD")

    assert paid(outcomes) == {"affiliate": 20_00, "tier": 2_00}
    assert sum(outcome.amount for outcome in outcomes) == 22_00


@pytest.mark.parametrize(
    ("base", "above"), [(Base.COMMISSION, [5_00, 4_00, 2_00]), (Base.ORDER, [50_00, 40_00, 20_00])]
)
def test_the_same_plan_on_two_bases(base, above):
    """Source: docs.uppromote.com, mlm. An order of $1,000, 10 % direct, then 5, 4 and 2 % of one base or the other."""
    terms = plan(*percent("0.10", "0.05", "0.04", "0.02"), base=base)

    outcomes = outcomes_for(line(1000_00), terms, upline("direct", "one", "two", "three"), currency="USD")

    assert [outcome.amount for outcome in outcomes] == [100_00, *above]


@pytest.mark.parametrize(
    ("compression", "from_q", "from_r", "from_t"),
    [(Compression.NONE, 6_00, 4_80, 0), (Compression.STANDARD, 12_00, 8_00, 3_30)],
)
def test_a_sponsors_p_who_did_not_qualify_this_month(compression, from_q, from_r, from_t):
    """Source: globalmlmsolution.com, compression by design. 10, 5 and 3 %; A - P - Q - R - T; Q buys for 120, R for
    160, T for 110. P is inactive: without compression A is still at level 2, 3 and 4; with it A moves down one."""
    terms = plan(*percent("0.10", "0.05", "0.03"), compression=compression)

    def earned_by_a(amount, *chain):
        return paid(outcomes_for(line(amount), terms, upline(*chain, P="inactive"), currency="USD")).get("A", 0)

    assert earned_by_a(120_00, "P", "A") == from_q
    assert earned_by_a(160_00, "Q", "P", "A") == from_r
    assert earned_by_a(110_00, "R", "Q", "P", "A") == from_t


def test_a_sale_of_49_dollars_is_refunded():
    """Source: docs.tolt.com, refunds. The commission of 1470 is taken back whole, and only once."""
    assert paid(outcomes_for(line(49_00), plan(*percent("0.30")), upline("p"), currency="USD")) == {"p": 1470}

    assert mirror(original=1470, reversed_so_far=0, refunded=49_00, line_amount=49_00) == 1470
    assert mirror(original=1470, reversed_so_far=1470, refunded=49_00, line_amount=49_00) == 0


def test_two_products_at_their_own_rates():
    """Source: etendosoftware/etendo_core, issue 680. €20 at 10 % and €30 at 50 % are €17."""
    terms = plan(*percent("0.10", category="A"), *percent("0.50", category="B"), currency="EUR")
    chain = upline("agent")

    amounts = [
        paid(outcomes_for(bought, terms, chain, currency="EUR")) for bought in (line(20_00, "A"), line(30_00, "B"))
    ]

    assert amounts == [{"agent": 2_00}, {"agent": 15_00}]


class TestHosting:
    """Source: document H. Servers 20/10/5 %, domains ₹100/50/25 each, addons 15/8/4 %."""

    terms = plan(
        *percent("0.20", "0.10", "0.05", category="server"),
        *flat(100_00, 50_00, 25_00, category="domain"),
        *percent("0.15", "0.08", "0.04", category="addon"),
        currency="INR",
    )

    @pytest.mark.parametrize(
        ("bought", "amounts"),
        [
            (line(10_000_00, "server"), [2_000_00, 1_000_00, 500_00]),
            (line(1_998_00, "domain", quantity=2), [200_00, 100_00, 50_00]),
            (line(999_00, "addon"), [149_85, 79_92, 39_96]),
        ],
    )
    def test_what_a_purchase_pays(self, bought, amounts):
        outcomes = outcomes_for(bought, self.terms, upline("one", "two", "three"), currency="INR")

        assert [outcome.amount for outcome in outcomes] == amounts


def test_a_presale_of_250_dollars():
    """Source: document P. 12 % to the referrer and 4 % to theirs (the hold of 7 days is the service's)."""
    terms = plan(*percent("0.12", "0.04", category="token"))

    outcomes = outcomes_for(line(250_00, "token"), terms, upline("referrer", "theirs"), currency="USD")

    assert paid(outcomes) == {"referrer": 30_00, "theirs": 10_00}
