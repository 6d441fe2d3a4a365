"""The engine by itself: which rule, which reason, which amount."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.commissions.engine import (
    ACTIVATION,
    MAX_DEPTH,
    MAX_FLAT,
    Base,
    Compression,
    Kind,
    Rule,
    RuleBook,
    commissions,
    mirror,
    outcomes_for,
    path_to,
    recompute,
)
from apps.core import money

from .engine_values import flat, line, overrides, paid, percent, plan, reasons, uid, upline


def run(amount, terms, chain, own=None, *, category="anything", quantity=1, currency="USD", buyer=None):
    return outcomes_for(line(amount, category, quantity), terms, chain, own or {}, currency=currency, buyer=buyer)


class TestRules:
    def test_a_category_has_its_own_rule_and_the_star_fills_in_by_level(self):
        terms = plan(*percent("0.10", "0.05"), *percent("0.20", category="server"))

        assert paid(run(1000, terms, upline("a", "b"), category="server")) == {"a": 200, "b": 50}
        assert paid(run(1000, terms, upline("a", "b"), category="addon")) == {"a": 100, "b": 50}

    def test_the_star_never_pays_for_an_activation(self):
        terms = plan(*percent("0.10", "0.05"))
        named = plan(*percent("0.10", "0.05"), *percent("0.50", category=ACTIVATION))

        assert reasons(run(49900, terms, upline("a", "b"), category=ACTIVATION)) == ["no_rule", "no_rule"]
        assert paid(run(49900, named, upline("a", "b"), category=ACTIVATION)) == {"a": 24950}

    def test_an_override_by_star_does_not_pay_for_an_activation_either(self):
        terms = plan(*percent("0.10"))

        outcomes = run(49900, terms, upline("a"), overrides(a=percent("0.90")), category=ACTIVATION)

        assert reasons(outcomes) == ["no_rule"]

    def test_a_flat_amount_is_for_each_unit(self):
        assert paid(run(199800, plan(*flat(10000, 5000)), upline("a", "b"), quantity=2)) == {"a": 20000, "b": 10000}

    def test_the_largest_flat_amount_of_the_largest_line_is_a_bigint(self):
        assert paid(run(1, plan(*flat(MAX_FLAT)), upline("a"), quantity=2**31 - 1))["a"] < 2**63

    def test_a_cap_bounds_what_one_line_pays(self):
        outcomes = run(100000, plan(*percent("0.20", cap=15000)), upline("a"))

        assert paid(outcomes) == {"a": 15000}
        assert (outcomes[0].exact, outcomes[0].capped) == (20000, True)
        assert not run(75000, plan(*percent("0.20", cap=15000)), upline("a"))[0].capped

    def test_an_override_replaces_the_rule_of_that_partner_at_that_level_only(self):
        terms = plan(*percent("0.10", "0.05", "0.01"))
        own = overrides(b=percent(None, "0.08"))

        assert paid(run(1000, terms, upline("a", "b", "c"), own)) == {"a": 100, "b": 80, "c": 10}
        assert paid(run(1000, terms, upline("b", "a", "c"), own)) == {"b": 100, "a": 50, "c": 10}

    def test_an_override_says_that_it_is_one(self):
        outcomes = run(1000, plan(*percent("0.10", "0.05")), upline("a", "b"), overrides(a=flat(700)))

        assert [(outcome.override, outcome.flat_amount, outcome.rate) for outcome in outcomes] == [
            (True, 700, None),
            (False, None, Decimal("0.05")),
        ]

    def test_the_partners_rule_for_the_category_wins_over_their_star_and_both_over_the_plan(self):
        terms = plan(*percent("0.10", category="server"), *percent("0.01"))
        own = overrides(a=percent("0.30") + percent("0.40", category="domain"))

        assert paid(run(1000, terms, upline("a"), own, category="server")) == {"a": 300}
        assert paid(run(1000, terms, upline("a"), own, category="domain")) == {"a": 400}


class TestBase:
    def test_levels_above_take_their_part_of_the_direct_commission(self):
        terms = plan(*percent("0.10", "0.05", "0.04"), base=Base.COMMISSION)

        outcomes = run(100000, terms, upline("a", "b", "c"))

        assert [outcome.amount for outcome in outcomes] == [10000, 500, 400]
        assert [outcome.base_amount for outcome in outcomes] == [100000, 10000, 10000]

    @pytest.mark.parametrize("status", ["inactive", "pending", "frozen"])
    def test_also_when_the_direct_commission_is_paid_to_nobody(self, status):
        terms = plan(*percent("0.10", "0.05"), base=Base.COMMISSION)

        assert paid(run(100000, terms, upline("a", "b", a=status))) == {"b": 500}

    def test_of_the_direct_commission_as_computed_with_its_override_and_its_cap(self):
        terms = plan(*percent("0.10", "0.05"), base=Base.COMMISSION)

        assert paid(run(100000, terms, upline("a", "b"), overrides(a=percent("0.20")))) == {"a": 20000, "b": 1000}
        assert paid(run(100000, terms, upline("a", "b"), overrides(a=percent("0.20", cap=8000)))) == {
            "a": 8000,
            "b": 400,
        }

    def test_a_flat_amount_above_stays_flat(self):
        terms = plan(*percent("0.10"), replace(flat(1, 250)[1]), base=Base.COMMISSION)

        assert paid(run(100000, terms, upline("a", "b"), quantity=2)) == {"a": 10000, "b": 500}

    def test_no_rule_for_level_one_leaves_the_others_nothing_to_take_from(self):
        terms = plan(*percent(None, "0.05"), base=Base.COMMISSION)

        assert reasons(run(100000, terms, upline("a", "b"))) == ["no_rule", "zero_amount"]


class TestReasons:
    def test_every_level_has_exactly_one_outcome(self):
        terms = plan(*percent("0.10", "0.05"), depth=5)

        outcomes = run(1000, terms, upline("a", "b", "c", "d"))

        assert [outcome.level for outcome in outcomes] == [1, 2, 3, 4, 5]
        assert reasons(outcomes) == [None, None, "no_rule", "no_rule", "house"]

    def test_nobody_above_is_the_house(self):
        assert reasons(run(1000, plan(*percent("0.10", "0.05")), [])) == ["house", "house"]

    def test_only_the_active_are_paid(self):
        chain = upline("a", "b", "c", "d", a="inactive", b="pending", c="frozen")

        outcomes = run(1000, plan(*percent("0.10", "0.05", "0.04", "0.03")), chain)

        assert reasons(outcomes) == ["inactive_partner", "inactive_partner", "frozen", None]
        assert paid(outcomes) == {"d": 30}

    def test_nobody_earns_from_themselves(self):
        outcomes = run(1000, plan(*percent("0.10", "0.05")), upline("a", "b"), buyer=uid("user a"))

        assert reasons(outcomes) == ["self_purchase", None]

    def test_another_currency_pays_nobody(self):
        assert reasons(run(1000, plan(*percent("0.10", "0.05")), upline("a"), currency="INR")) == [
            "currency_mismatch",
            "house",
        ]

    def test_nothing_and_next_to_nothing(self):
        assert reasons(run(2, plan(*percent("0.20")), upline("a"))) == ["zero_amount"]
        assert reasons(run(999, plan(*percent("0.10"), minimum=101), upline("a"))) == ["below_minimum"]
        assert paid(run(1010, plan(*percent("0.10"), minimum=101), upline("a"))) == {"a": 101}

    def test_an_amount_below_the_minimum_still_is_what_others_take_their_part_of(self):
        terms = plan(*percent("0.10", "1"), base=Base.COMMISSION, minimum=100)
        generous = plan(*percent("0.10"), *flat(1, 500)[1:], base=Base.COMMISSION, minimum=100)

        assert reasons(run(500, terms, upline("a", "b"))) == ["below_minimum", "below_minimum"]
        assert paid(run(500, generous, upline("a", "b"))) == {"b": 500}

    def test_who_is_paid_nothing_has_no_amount(self):
        outcomes = run(1000, plan(*percent("0.10")), upline("a", a="frozen"))

        assert (outcomes[0].amount, outcomes[0].exact) == (0, 100)


class TestCompression:
    terms = plan(*percent("0.10", "0.05", "0.03"), compression=Compression.STANDARD)

    def test_everybody_above_an_inactive_partner_moves_down(self):
        outcomes = run(1000, self.terms, upline("a", "b", "c", "d", "e", a="inactive", c="pending"))

        assert paid(outcomes) == {"b": 100, "d": 50, "e": 30}
        assert [(outcome.level, outcome.ancestor.level) for outcome in outcomes] == [(1, 2), (2, 4), (3, 5)]

    def test_the_frozen_keep_their_level(self):
        outcomes = run(1000, self.terms, upline("a", "b", "c", a="frozen"))

        assert reasons(outcomes) == ["frozen", None, None]
        assert paid(outcomes) == {"b": 50, "c": 30}

    def test_the_buyer_keeps_theirs(self):
        assert paid(run(1000, self.terms, upline("a", "b"), buyer=uid("user a"))) == {"b": 50}

    def test_an_override_counts_at_the_level_one_is_paid_at(self):
        own = overrides(b=percent("0.50", "0.01"))

        assert paid(run(1000, self.terms, upline("a", "b", a="inactive"), own)) == {"b": 500}

    def test_the_path_names_who_was_skipped(self):
        chain = upline("a", "b", "c", "d", a="inactive")

        steps = path_to(chain, Compression.STANDARD, 3)

        assert [(step.ancestor.name, step.skipped) for step in steps] == [("a", True), ("b", False), ("c", False)]
        assert not any(step.skipped for step in path_to(chain, Compression.NONE, 3))


class TestDepth:
    def test_a_chain_of_a_hundred_is_paid_twenty_deep(self):
        chain = upline(*(f"p{n}" for n in range(1, 101)))
        terms = plan(*percent(*["0.01"] * MAX_DEPTH))

        outcomes = run(10000, terms, chain)

        assert paid(outcomes) == {f"p{n}": 100 for n in range(1, 21)}
        assert len(outcomes) == 20

    @pytest.mark.parametrize("depth", [0, 21])
    def test_a_plan_is_one_to_twenty_levels_deep(self, depth):
        with pytest.raises(ValueError):
            plan(*percent("0.10"), depth=depth or -1)

    def test_a_rule_lies_within_its_plan(self):
        with pytest.raises(ValueError):
            plan(*percent("0.10", "0.05"), depth=1)


@pytest.mark.parametrize(
    ("level", "kind", "value", "cap"),
    [
        (0, Kind.PERCENT, Decimal("0.1"), None),
        (21, Kind.PERCENT, Decimal("0.1"), None),
        (1, Kind.PERCENT, Decimal("1.1"), None),
        (1, Kind.PERCENT, Decimal("-0.1"), None),
        (1, Kind.PERCENT, 1, None),
        (1, Kind.FLAT, Decimal("5"), None),
        (1, Kind.FLAT, -5, None),
        (1, Kind.FLAT, MAX_FLAT + 1, None),
        (1, Kind.FLAT, 5, -1),
    ],
)
def test_a_rule_that_cannot_be(level, kind, value, cap):
    with pytest.raises(ValueError):
        Rule("server", level, kind, value, cap)


def test_two_rules_for_one_thing_cannot_be():
    with pytest.raises(ValueError):
        RuleBook([*percent("0.10"), *percent("0.20")])


class TestMirror:
    def test_a_full_refund_takes_back_what_was_given(self):
        assert mirror(original=1470, reversed_so_far=0, refunded=4900, line_amount=4900) == 1470

    def test_in_proportion_half_up(self):
        assert mirror(original=15, reversed_so_far=0, refunded=50, line_amount=100) == 8

    def test_a_second_time_there_is_nothing_more(self):
        assert mirror(original=15, reversed_so_far=8, refunded=50, line_amount=100) == 0

    def test_only_what_was_bought_is_refunded(self):
        with pytest.raises(ValueError):
            mirror(original=15, reversed_so_far=0, refunded=101, line_amount=100)

    @given(st.integers(1, 10**12), st.integers(1, 10**12), st.lists(st.integers(1, 10**11), max_size=8))
    def test_any_sequence_of_refunds_ends_where_their_sum_would(self, original, line_amount, refunds):
        refunded = reversed_total = 0
        for refund in refunds:
            refunded = min(refunded + refund, line_amount)
            delta = mirror(
                original=original, reversed_so_far=reversed_total, refunded=refunded, line_amount=line_amount
            )
            assert delta >= 0
            reversed_total += delta
        whole = mirror(original=original, reversed_so_far=0, refunded=refunded, line_amount=line_amount)

        assert reversed_total == whole <= original


rates = st.integers(0, 10**8).map(lambda n: Decimal(n).scaleb(-8))


@st.composite
def orders(draw):
    """A plan of any shape, an upline of any shape, a line."""
    depth = draw(st.integers(1, MAX_DEPTH))
    cap = draw(st.none() | st.integers(0, 10**6))
    some_rates = draw(st.lists(st.none() | rates, min_size=depth, max_size=depth))
    rules = tuple(
        Rule("*", level, Kind.PERCENT, rate, cap) for level, rate in enumerate(some_rates, start=1) if rate is not None
    )
    terms = plan(
        *rules,
        depth=depth,
        base=draw(st.sampled_from(Base)),
        compression=draw(st.sampled_from(Compression)),
        minimum=draw(st.integers(0, 100)),
    )
    statuses = draw(st.lists(st.sampled_from(["active", "active", "inactive", "pending", "frozen"]), max_size=25))
    chain = upline(*(f"p{n}" for n in range(len(statuses))))
    chain = [replace(ancestor, status=status) for ancestor, status in zip(chain, statuses, strict=True)]
    return line(draw(st.integers(1, 10**12)), quantity=draw(st.integers(1, 50))), terms, chain


@given(orders())
def test_whatever_the_plan_every_level_is_answered_once_and_exactly(order):
    a_line, terms, chain = order

    outcomes = outcomes_for(a_line, terms, chain, currency="USD")

    assert [outcome.level for outcome in outcomes] == list(range(1, terms.depth + 1))
    assert all(outcome.amount == 0 for outcome in outcomes if outcome.reason)
    beneficiaries = [outcome.ancestor.partner_id for outcome in commissions(outcomes)]
    assert len(set(beneficiaries)) == len(beneficiaries)
    for outcome in commissions(outcomes):
        assert outcome.ancestor.status == "active"
        assert outcome.amount >= max(terms.minimum, 1)
        assert Fraction(outcome.exact) == Fraction(outcome.rate) * outcome.base_amount
        assert outcome.capped or abs(outcome.amount - outcome.exact) <= Decimal("0.5")
        assert recompute(explanation_of(a_line, outcome)) == outcome.amount


def explanation_of(a_line, outcome):
    """As the API gives it: text for rates, whole numbers for money."""
    flat_rule = outcome.rule.kind == Kind.FLAT
    value = str(outcome.rule.value) if flat_rule else money.rate_text(outcome.rule.value)
    return {
        "line": {"quantity": a_line.quantity, "amount": a_line.amount},
        "base_amount": outcome.base_amount,
        "rule": {"kind": outcome.rule.kind.value, "value": value, "cap": outcome.rule.cap},
    }


class TestRecompute:
    def test_a_flat_amount_for_each_unit_within_its_cap(self):
        outcome = run(1000, plan(*flat(300, cap=500)), upline("a"), quantity=2)[0]

        assert recompute(explanation_of(line(1000, quantity=2), outcome)) == outcome.amount == 500

    def test_a_clawback_from_what_was_refunded_before_and_after(self):
        explanation = explanation_of(line(4900), run(4900, plan(*percent("0.30")), upline("a"))[0])

        assert recompute(explanation | {"refund": {"before": 0, "after": 4900}}) == -1470
        assert recompute(explanation | {"refund": {"before": 1000, "after": 2000}}) == -300
