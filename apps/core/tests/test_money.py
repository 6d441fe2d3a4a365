"""R9: parts and remainder are the whole, to the minor unit; and nothing loses a digit on the way."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import money

BIGINT = 2**63 - 1
amounts = st.integers(-BIGINT, BIGINT)
positive = st.integers(0, BIGINT)
rates = st.integers(0, 10**8).map(lambda n: Decimal(n).scaleb(-8))
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=30)


def half_up(value: Fraction) -> int:
    """Written a second way: away from zero at the half."""
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


@given(amounts, rates)
def test_a_rate_is_applied_exactly_and_rounded_once(amount, rate):
    exact, rounded = money.apply_rate(amount, rate)

    assert Fraction(exact) == amount * Fraction(rate)
    assert rounded == half_up(Fraction(exact))
    assert money.apply_rate(-amount, rate) == (-exact, -rounded)


@given(positive, weights.filter(any))
def test_the_parts_of_a_split_add_up_and_stay_within_one_unit_of_their_share(amount, weights):
    parts = money.split(amount, weights)

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1
        assert weight or part == 0
    assert money.split(-amount, weights) == [-part for part in parts]


@given(weights.filter(any), st.data())
def test_a_refund_within_the_order_never_takes_more_than_a_line_has(weights, data):
    refund = data.draw(st.integers(0, sum(weights)))

    assert all(part <= weight for part, weight in zip(money.split(refund, weights), weights, strict=True))


@given(amounts, st.integers(1, 10**15), st.data())
def test_a_share_is_rounded_half_up_and_the_whole_is_the_whole(amount, denominator, data):
    numerator = data.draw(st.integers(0, denominator))

    assert money.share(amount, numerator, denominator) == half_up(Fraction(amount * numerator, denominator))
    assert money.share(amount, denominator, denominator) == amount


def test_equal_remainders_go_to_the_earlier():
    assert money.split(1, [1, 1]) == [1, 0]
    assert money.split(2, [1, 0, 1, 1]) == [1, 0, 1, 0]


def test_nothing_is_split_over_nothing():
    assert money.split(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError):
        money.split(1, [0, 0])
    with pytest.raises(ValueError):
        money.split(1, [])
    with pytest.raises(ValueError):
        money.split(1, [2, -1])


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 0), (-1, 2), (1, -2)])
def test_a_share_is_of_something(numerator, denominator):
    with pytest.raises(ValueError):
        money.share(100, numerator, denominator)


@given(rates)
def test_a_rate_survives_its_text(rate):
    text = money.rate_text(rate)

    assert money.parse_rate(text) == rate
    assert len(text.partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("rate", "text"),
    [("0.2", "0.20"), ("1", "1.00"), ("0", "0.00"), ("0.02900", "0.029"), ("1E-8", "0.00000001"), ("0.10", "0.10")],
)
def test_rates_are_written_plainly(rate, text):
    assert money.rate_text(Decimal(rate)) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "NaN", "Infinity", "-0.1", "+0.1", "1.1", "1.00000001", "2", "20%", "1e-2", ".5", "0.", "0,2",
     "0.123456789", "٠.٢", "0.1\n", " 0.1", "00.1"],
)  # fmt: skip
def test_what_is_no_rate(text):
    with pytest.raises(ValueError):
        money.parse_rate(text)


@pytest.mark.parametrize("value", [0.1, 1, None, Decimal("0.1"), ["0.1"]])
def test_a_rate_comes_as_text(value):
    with pytest.raises(ValueError):
        money.parse_rate(value)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (12345678, "INR", "₹1,23,456.78"),
        (100000, "INR", "₹1,000.00"),
        (99999, "INR", "₹999.99"),
        (0, "INR", "₹0.00"),
        (123456789012, "INR", "₹1,23,45,67,890.12"),
        (123456, "USD", "$1,234.56"),
        (-500, "USD", "\N{MINUS SIGN}$5.00"),
        (-7, "INR", "\N{MINUS SIGN}₹0.07"),
        (100, "EUR", "€1.00"),
        (1234567, "JPY", "¥1,234,567"),
        (100, "CHF", "CHF\N{NO-BREAK SPACE}1.00"),
        (1234, "KWD", "KWD\N{NO-BREAK SPACE}1.234"),
    ],
)
def test_money_as_people_read_it(amount, currency, text):
    assert money.format_money(amount, currency) == text


def test_exponents():
    assert [money.exponent(code) for code in ("INR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
    for code in ("", "inr", "RUPEE", "IN1"):
        with pytest.raises(ValueError):
            money.exponent(code)


def test_currencies_never_mix():
    assert money.require_same_currency("INR", "INR") == "INR"
    with pytest.raises(money.CurrencyMismatch) as refused:
        money.require_same_currency("INR", "USD")
    assert refused.value.code == "currency_mismatch"


def test_exact_amounts_are_written_plainly():
    exact = [Decimal("123.450"), Decimal("2000"), Decimal("2E+3"), Decimal("0.00")]

    assert [money.exact_text(value) for value in exact] == ["123.45", "2000", "2000", "0"]
