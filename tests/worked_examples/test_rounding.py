"""Worked examples 5 and 6: where the odd cent goes."""

from decimal import Decimal

import pytest

from apps.core import money


@pytest.mark.parametrize(
    ("cents", "rate", "commission"),
    [(3, "0.20", 1), (15, "0.10", 2), (1, "0.50", 1), (500, "0.029", 15), (7, "0.20", 1), (2, "0.20", 0)],
)
def test_a_commission_is_rounded_half_up_to_the_cent(cents, rate, commission):
    """Source: dubinc/dub, its commission tests. 2.9 % of $5.00 is 14.5 cents, and fifteen are paid."""
    assert money.apply_rate(cents, Decimal(rate)).amount == commission


def test_five_cents_between_two_who_agreed_on_seventy_to_thirty():
    """Source: moneyphp/money, allocation. 3.5 and 1.5: nobody gets half a cent, the odd one goes to the earlier."""
    assert money.split(5, [70, 30]) == [4, 1]


def test_eight_dollars_in_three():
    """Source: moneyphp/money, allocation. $2.67, $2.67 and $2.66 make $8.00 again."""
    assert money.split(800, [1, 1, 1]) == [267, 267, 266]
