"""Values of cells, and keeping text from coming to life as a formula."""

import json
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core.money import exponent

Value = str | int | Decimal | bool | None

STARTERS = frozenset("=+-@")
CONTROLS = frozenset("\t\r\n")


def defused(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet might take it for a formula (R24).

    That is `= + - @`, whatever white space, control or invisible character stands before them, their look-alikes in other
    scripts, which some programs fold to the plain ones, and a tab or line break at the very beginning.
    """
    if not text:
        return text
    if text[0] in CONTROLS:
        return f"'{text}"
    for character in text:
        if character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"}:
            continue
        return f"'{text}" if _starts_formula(character) else text
    return text


def _starts_formula(character: str) -> bool:
    plain = unicodedata.normalize("NFKC", character)[:1]
    return plain in STARTERS or unicodedata.category(character) == "Pd" or plain in _LOOK_ALIKES


# Which NFKC doesn't fold: minus, heavy and modifier signs, equals of other scripts.
_LOOK_ALIKES = frozenset(
    "\u2212\u2795\u2796\u02d7\u02d6\u30a0\u2e40\ua78a\U0001f7f0\u207a\u207b\u208a\u208b\u207c\u208c"
)


def cell(value: Any) -> Value:
    """A value as writers take it: numbers stay numbers, moments are ISO 8601, structures JSON."""
    if value is None or isinstance(value, (str, bool, int, Decimal)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def money_cell(amount: int | None, currency: str) -> Decimal | None:
    """Minor units → the currency's own: 123450 INR is 1234.50."""
    return None if amount is None else Decimal(amount).scaleb(-exponent(currency))


def text_of(value: Value) -> str:
    """As CSV and PDF show it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
