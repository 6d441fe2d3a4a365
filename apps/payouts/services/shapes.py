"""What each kind of payout method must tell, how it is shown, and what tells two of them apart."""

import re
from typing import Any

from apps.core import crypto
from apps.core.errors import Invalid
from apps.payouts.models import PayoutMethod

Kind = PayoutMethod.Kind

# A pattern per detail, and whether it is required.
_SHAPES: dict[str, dict[str, tuple[str, bool]]] = {
    "bank": {
        "account_holder": (r"^.{2,120}$", True),
        "account_number": (r"^[A-Za-z0-9 ]{6,42}$", True),
        "bank_code": (r"^[A-Za-z0-9]{4,15}$", True),
        "bank_name": (r"^.{0,80}$", False),
    },
    "upi": {"vpa": (r"^[A-Za-z0-9][A-Za-z0-9._-]{1,63}@[A-Za-z][A-Za-z0-9]{1,63}$", True)},
    # Nothing: the account is opened on Stripe's own pages. One that is connected already may be named.
    "stripe_connect": {
        "account_id": (r"^acct_[A-Za-z0-9_]{3,58}$", False),
        "country": (r"^[A-Z]{2}$", False),
    },
    "crypto": {"network": (r"^[a-z]{1,16}$", True), "address": (r"^[A-Za-z0-9]{14,90}$", True)},
    "manual": {"note": (r"^.{0,200}$", False)},
}
_HINTS = {
    "account_number": "An account number has 6 to 42 letters and digits.",
    "bank_code": "A bank code has 4 to 15 letters and digits.",
    "vpa": "A UPI address looks like name@bank.",
}
_IBAN = r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}"


def checked(kind: str, details: dict[str, Any]) -> dict[str, str]:
    """What was typed, trimmed, without what is empty. Raises Invalid naming the detail at fault."""
    shape = _SHAPES.get(kind)
    if shape is None:
        raise Invalid("invalid", "This kind of payout method isn't offered here.", field="kind")
    unknown = sorted(set(details) - set(shape))
    if unknown:
        raise Invalid("invalid", f"Unknown detail: {unknown[0]}.", field=f"details.{unknown[0]}")
    clean = {}
    for name, (pattern, required) in shape.items():
        value = details.get(name, "")
        if not isinstance(value, str):
            raise Invalid("invalid", "Text, please.", field=f"details.{name}")
        value = value.strip()
        if (required and not value) or (value and not re.fullmatch(pattern, value)):
            raise Invalid("invalid", _HINTS.get(name, f"Check the {name.replace('_', ' ')}."), field=f"details.{name}")
        if value:
            clean[name] = value
    if kind == Kind.BANK and not _adds_up(_bare(clean["account_number"])):
        message = "A digit of this IBAN is wrong: its checksum doesn't fit. Copy it again."
        raise Invalid("invalid", message, field="details.account_number")
    return clean


def label_of(kind: str, details: dict[str, str]) -> str:
    """Enough to recognise, too little to use."""
    if kind == Kind.BANK:
        return f"{details.get('bank_name') or 'Bank account'} ··{_bare(details['account_number'])[-4:]}"[:80]
    if kind == Kind.UPI:
        name, _, bank = details["vpa"].partition("@")
        return f"UPI {name[:2]}···@{bank}"[:80]
    return PayoutMethod.Kind(kind).label


def print_of(kind: str, details: dict[str, str]) -> str:
    """The same for the same account at this site, however it was typed; "" where two of a kind can't be told apart."""
    if kind == Kind.BANK:
        told = f"{details['bank_code'].upper()} {_bare(details['account_number'])}"
    elif kind == Kind.UPI:
        told = details["vpa"].lower()
    else:
        return ""
    return crypto.site_print(f"payout method {kind}", told)


def _bare(number: str) -> str:
    return number.replace(" ", "").upper()


def _adds_up(number: str) -> bool:
    """ISO 13616, for what looks like an IBAN: two letters, two check digits. Other numbers have no checksum we know."""
    if not re.fullmatch(_IBAN, number):
        return True
    turned = number[4:] + number[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
