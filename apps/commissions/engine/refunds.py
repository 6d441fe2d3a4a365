"""What a refund takes back."""

from apps.core import money


def mirror(*, original: int, reversed_so_far: int, refunded: int, line_amount: int) -> int:
    """How much more of a commission is reversed now that `refunded` of a line of `line_amount` went back in all.

    The total reversed is always `round(original × refunded ÷ line)`, so any sequence of partial refunds ends where one
    refund of their sum would, and a full one takes back exactly what was given. Never negative: a refund gives nothing.
    """
    if not 0 <= refunded <= line_amount:
        raise ValueError("a refund lies within its line")
    return max(money.share(original, refunded, line_amount) - reversed_so_far, 0)
