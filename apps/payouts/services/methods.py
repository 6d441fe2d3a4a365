"""Payout methods: checked by kind, kept encrypted, shown masked. Crypto addresses are the person's (apps.accounts)."""

import json
import re
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import CryptoAddress, User
from apps.accounts.services import add_address, read_address, remove_address
from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Conflict, Invalid, NotFound
from apps.payouts.models import OwnMethod, Payout, PayoutMethod

# What each kind must tell: a pattern per detail, and whether it is required.
_SHAPES: dict[str, dict[str, tuple[str, bool]]] = {
    "bank": {
        "account_holder": (r"^.{2,120}$", True),
        "account_number": (r"^[A-Za-z0-9 ]{6,34}$", True),
        "bank_code": (r"^[A-Za-z0-9]{4,15}$", True),
        "bank_name": (r"^.{0,80}$", False),
    },
    "upi": {"vpa": (r"^[A-Za-z0-9._-]{2,64}@[A-Za-z][A-Za-z0-9]{1,63}$", True)},
    "stripe_connect": {"account_id": (r"^acct_[A-Za-z0-9]{6,40}$", True)},
    "crypto": {"network": (r"^[a-z]{1,16}$", True), "address": (r"^[A-Za-z0-9]{14,90}$", True)},
    "manual": {"note": (r"^.{0,200}$", False)},
}


@transaction.atomic
def add_method(*, user: User, kind: str, details: dict[str, Any]) -> OwnMethod:
    """Raises Invalid naming the detail at fault."""
    clean = _checked(kind, details)
    if kind == PayoutMethod.Kind.CRYPTO:
        return OwnMethod.objects.get(pk=add_address(user=user, **clean).pk)
    method = PayoutMethod(user=user, kind=kind, label=_label(kind, clean))
    method.details = crypto.sealed(method, "details", json.dumps(clean, sort_keys=True))
    method.save(force_insert=True)
    audit.record(actor=user, action="payout_method.added", target=method, after={"kind": kind})
    return OwnMethod.objects.get(pk=method.pk)


@transaction.atomic
def remove_method(*, method: OwnMethod, actor: User) -> None:
    """Hidden from now on; payouts keep naming it. Raises Conflict while an open payout uses it, NotFound."""
    kept = Q(method=method.pk) | Q(method__address_id=method.pk)
    if Payout.objects.filter(kept, status__in=Payout.OPEN).exists():
        raise Conflict("method_in_use", "An open payout goes there. Wait until it is done.")
    if method.kind == PayoutMethod.Kind.CRYPTO:
        return remove_address(user=actor, address_id=method.pk)
    found = PayoutMethod.objects.filter(pk=method.pk, user=actor, removed_at=None)
    if not found.update(removed_at=timezone.now()):
        raise NotFound()
    audit.record(actor=actor, action="payout_method.removed", target=PayoutMethod.objects.get(pk=method.pk))
    return None


@transaction.atomic
def method_for_payout(method: OwnMethod) -> PayoutMethod:
    """What a payout is to name. Of a crypto address this site's copy: the address may go, the payout knows where it went."""
    if method.kind != PayoutMethod.Kind.CRYPTO:
        return PayoutMethod.objects.get(pk=method.pk)
    address = CryptoAddress.objects.of(method.user_id).get(pk=method.pk)
    copy = PayoutMethod(user_id=method.user_id, kind=method.kind, label=method.label, address_id=address.pk)
    clean = {"network": address.network, "address": read_address(address)}
    copy.details = crypto.sealed(copy, "details", json.dumps(clean, sort_keys=True))
    PayoutMethod.objects.bulk_create([copy], ignore_conflicts=True)
    return PayoutMethod.objects.get(address_id=address.pk)


def read_details(method: PayoutMethod) -> dict[str, str]:
    """For whoever pays it out. Raises Undecryptable for a ciphertext of another row."""
    details: dict[str, str] = json.loads(crypto.opened(method, "details"))
    return details


def _checked(kind: str, details: dict[str, Any]) -> dict[str, str]:
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
            raise Invalid("invalid", f"Check the {name.replace('_', ' ')}.", field=f"details.{name}")
        if value:
            clean[name] = value
    return clean


def _label(kind: str, details: dict[str, str]) -> str:
    """Enough to recognise, too little to use."""
    if kind == PayoutMethod.Kind.BANK:
        return f"{details.get('bank_name') or 'Bank account'} ··{details['account_number'].replace(' ', '')[-4:]}"[:80]
    if kind == PayoutMethod.Kind.UPI:
        name, _, bank = details["vpa"].partition("@")
        return f"UPI {name[:2]}···@{bank}"[:80]
    if kind == PayoutMethod.Kind.STRIPE_CONNECT:
        return f"Stripe ··{details['account_id'][-4:]}"
    return PayoutMethod.Kind(kind).label
