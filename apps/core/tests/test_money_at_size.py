"""R9 at full size: 100,000 generated orders, and every part of them adds up to the minor unit. A fixed seed, some seconds."""

import random
from decimal import Decimal

from apps.core.money import apply_rate, share, split

ORDERS = 100_000


def test_parts_of_a_hundred_thousand_orders_add_up():
    draw = random.Random(9)
    for _ in range(ORDERS):
        lines = [draw.randint(1, 10 ** draw.randint(1, 12)) for _ in range(draw.randint(1, 6))]
        total = sum(lines)
        refund = draw.randint(0, total)
        parts = split(refund, lines)
        assert sum(parts) == refund
        assert all(0 <= part <= line for part, line in zip(parts, lines, strict=True))

        rate = Decimal(draw.randint(0, 10**8)) / 10**8
        commission = apply_rate(lines[0], rate)
        assert abs(commission.exact - commission.amount) <= Decimal("0.5")
        assert 0 <= share(commission.amount, parts[0], lines[0]) <= commission.amount
        assert share(commission.amount, lines[0], lines[0]) == commission.amount
