"""What a call says, checked as Stripe checks it. Each raises Refusal."""

from collections.abc import Mapping
from typing import Any

from fakes.stripe import errors

CURRENCY_LETTERS = 3


def known(params: Mapping[str, Any], names: set[str]) -> None:
    unknown = sorted(set(params) - names)
    if unknown:
        raise errors.invalid(f"Received unknown parameter: {unknown[0]}", unknown[0], "parameter_unknown")


def amount_of(params: Mapping[str, Any], *, most: int) -> int:
    value = str(params.get("amount", ""))
    if not value.isascii() or not value.isdigit():
        raise errors.invalid(f"Invalid integer: {value}", "amount")
    if int(value) < 1:
        raise errors.invalid("This value must be greater than or equal to 1.", "amount")
    if int(value) > most:
        raise errors.invalid(f"Amount must be no more than {most}", "amount", "amount_too_large")
    return int(value)


def currency_of(params: Mapping[str, Any]) -> str:
    value = str(params.get("currency", ""))
    if len(value) != CURRENCY_LETTERS or not value.isascii() or not value.isalpha():
        raise errors.invalid(f"Invalid currency: {value}.", "currency", "parameter_invalid")
    return value.lower()


def metadata_of(params: Mapping[str, Any]) -> dict[str, str]:
    given = params.get("metadata") or {}
    if not isinstance(given, Mapping) or len(given) > 50 or any(len(str(value)) > 500 for value in given.values()):
        raise errors.invalid("Metadata has at most 50 values of 500 characters.", "metadata", "parameter_invalid")
    return {str(name): str(value) for name, value in given.items()}
