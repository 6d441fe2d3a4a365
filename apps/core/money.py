"""The only place that computes with money.

Amounts are integers in the minor unit of their currency (paisa, cent); rates are exact decimal fractions (0.20 is
twenty percent). Nothing here is a float and nothing loses a digit: a result that has to be rounded is rounded once,
half up to the minor unit (away from zero for a negative), and the exact value is kept beside it.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import NamedTuple

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
EXPONENTS = {code: places for places, codes in ((0, _NONE), (3, _THREE), (4, _FOUR)) for code in codes.split()}
"""Decimal places of the currencies of ISO 4217 that don't have two."""

SYMBOLS = {"INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
MINUS = "\N{MINUS SIGN}"
RATE_DECIMALS = 8

_CODE = re.compile(r"[A-Z]{3}")
_RATE = re.compile(rf"[01](?:\.[0-9]{{1,{RATE_DECIMALS}}})?")
# A bigint has 19 digits and a rate 9: 100 holds every product, and a value it did not hold would raise.
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])
_ROUND = Context(prec=100, rounding=ROUND_HALF_UP, traps=[InvalidOperation, Overflow])
_UNIT = Decimal(1)


class CurrencyMismatch(ValueError):
    """Amounts of two currencies met in one computation."""

    code = "currency_mismatch"


class Applied(NamedTuple):
    exact: Decimal
    """In minor units, before rounding."""
    amount: int


MAX_AMOUNT = 10**15
"""Minor units of one amount that somebody names: far below bigint's end, so that sums of a ledger never reach it."""


def exponent(currency: str) -> int:
    if not _CODE.fullmatch(currency):
        raise ValueError(f"not a currency code: {currency!r}")
    return EXPONENTS.get(currency, 2)


def require_same_currency(*currencies: str) -> str:
    """The one currency all of them are. Raises CurrencyMismatch."""
    if len(set(currencies)) != 1:
        raise CurrencyMismatch(f"one currency is needed, not {', '.join(sorted(set(currencies))) or 'none'}")
    return currencies[0]


def apply_rate(amount: int, rate: Decimal) -> Applied:
    exact = _EXACT.multiply(Decimal(amount), rate)
    return Applied(exact, int(exact.quantize(_UNIT, context=_ROUND)))


def per_unit(amount: int, quantity: int) -> Applied:
    """A flat amount for each of `quantity` units."""
    total = amount * quantity
    return Applied(Decimal(total), total)


def share(amount: int, numerator: int, denominator: int) -> int:
    """`amount × numerator ÷ denominator`, half up: what a refund of `numerator` of `denominator` takes back."""
    if denominator <= 0 or numerator < 0:
        raise ValueError("a share is of something positive")
    rounded = (2 * abs(amount) * numerator + denominator) // (2 * denominator)
    return rounded if amount >= 0 else -rounded


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` in proportion to `weights`, whole minor units that add up to it.

    The units that rounding down leaves over go to the largest remainders, the earlier one first among equals. A weight
    of 0 gets nothing, and no part of an amount within `sum(weights)` exceeds its weight.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights):
        raise ValueError("weights are never negative")
    if whole == 0:
        if amount:
            raise ValueError("nothing to split over")
        return [0] * len(weights)
    parts, remainders = zip(*(divmod(abs(amount) * weight, whole) for weight in weights), strict=True)
    result = list(parts)
    left_over = abs(amount) - sum(result)
    for index in sorted(range(len(result)), key=lambda i: -remainders[i])[:left_over]:
        result[index] += 1
    return result if amount >= 0 else [-part for part in result]


def parse_rate(text: str) -> Decimal:
    """A fraction from 0 to 1, "0.20" for twenty percent, with at most 8 decimals. Raises ValueError."""
    if not isinstance(text, str) or not _RATE.fullmatch(text):
        raise ValueError(f'a rate is a decimal fraction such as "0.20", with at most {RATE_DECIMALS} decimals')
    rate = Decimal(text)
    if rate > 1:
        raise ValueError("a rate is at most 1")
    return rate


def rate_text(rate: Decimal) -> str:
    """The plain decimal without needless zeros, but with two decimals at least: "0.20", "0.125", "1.00"."""
    whole, _, decimals = f"{rate:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def exact_text(exact: Decimal) -> str:
    """An exact amount as a plain decimal in minor units: "123.45", "2000"."""
    text = f"{exact:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_money(amount: int, currency: str) -> str:
    """ "₹1,23,456.78", "−$5.00", "CHF 1.00": for people to read, never to parse."""
    places = exponent(currency)
    digits = str(abs(amount)).rjust(places + 1, "0")
    whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :]
    grouped = _group_lakh(whole) if currency == "INR" else f"{int(whole):,}"
    symbol = SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{MINUS if amount < 0 else ''}{symbol}{grouped}{'.' + decimals if places else ''}"


def _group_lakh(whole: str) -> str:
    """Indian grouping: the last three digits, then pairs."""
    head, tail = whole[:-3], whole[-3:]
    pairs = re.findall(r"\d{1,2}(?=(?:\d\d)*$)", head)
    return ",".join([*pairs, tail])
