"""Payout methods: checked by kind, kept encrypted, shown masked. Crypto addresses are the person's (apps.accounts).

Another one beside or after the first rests for the site's hours before money goes there, so that whoever stole a sign-in waits
while its owner reads of it (models.OwnMethod).
"""

import json
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import CryptoAddress, User
from apps.accounts.services import add_address, read_address, remove_address
from apps.audit import services as audit
from apps.core import crypto, outbox
from apps.core.errors import Conflict, NotFound
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutMethod
from apps.payouts.services.shapes import checked, label_of, print_of
from apps.wallet.models import Account

ADDED, REMOVED = "payout_method.added", "payout_method.removed"
MOST = 20
"""Methods of one person at a site."""


@transaction.atomic
def add_method(*, user: User, kind: str, details: dict[str, Any]) -> OwnMethod:
    """Raises Invalid naming the detail at fault, Conflict too_many.

    A `stripe_connect` one is not ready: `connecting.start_connecting` goes on at Stripe.
    """
    clean = checked(kind, details)
    if kind == PayoutMethod.Kind.CRYPTO:
        pk = add_address(user=user, **clean).pk
    else:
        pk = _save(user, kind, clean)
    outbox.publish(ADDED, key=str(pk), payload={"method_id": str(pk), "user_id": str(user.pk), "kind": kind})
    return OwnMethod.objects.get(pk=pk)


def _save(user: User, kind: str, clean: dict[str, str]) -> UUID:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # their methods are counted under it
    if PayoutMethod.objects.filter(user=user, removed_at=None, address_id=None).count() >= MOST:
        raise Conflict("too_many", f"{MOST} payout methods are the most. Remove one first.")
    method = PayoutMethod(user=user, kind=kind, label=label_of(kind, clean), fingerprint=print_of(kind, clean))
    seal_details(method, clean)
    method.save(force_insert=True)
    audit.record(actor=user, action=ADDED, target=method, after={"kind": kind})
    return method.pk


@transaction.atomic
def remove_method(*, method: OwnMethod, actor: User) -> None:
    """Hidden from now on; payouts keep naming it. Raises Conflict while an open payout uses it, NotFound."""
    kept = Q(method=method.pk) | Q(method__address_id=method.pk)
    if Payout.objects.filter(kept, status__in=Payout.OPEN).exists():
        raise Conflict("method_in_use", "An open payout goes there. Wait until it is done.")
    if method.kind == PayoutMethod.Kind.CRYPTO:
        remove_address(user=actor, address_id=method.pk)
    else:
        found = PayoutMethod.objects.filter(pk=method.pk, user=actor, removed_at=None)
        if not found.update(removed_at=timezone.now()):
            raise NotFound()
        ConnectAccount.objects.filter(method_id=method.pk).update(check_at=None)
        audit.record(actor=actor, action=REMOVED, target=PayoutMethod.objects.get(pk=method.pk))
    payload = {"method_id": str(method.pk), "user_id": str(actor.pk), "kind": method.kind}
    outbox.publish(REMOVED, key=str(method.pk), payload=payload)


@transaction.atomic
def method_for_payout(method: OwnMethod) -> PayoutMethod:
    """What a payout is to name. Of a crypto address this site's copy: the address may go, the payout knows where it went."""
    if method.kind != PayoutMethod.Kind.CRYPTO:
        return PayoutMethod.objects.get(pk=method.pk)
    address = CryptoAddress.objects.of(method.user_id).get(pk=method.pk)
    copy = PayoutMethod(user_id=method.user_id, kind=method.kind, label=method.label, address_id=address.pk)
    seal_details(copy, {"network": address.network, "address": read_address(address)})
    PayoutMethod.objects.bulk_create([copy], ignore_conflicts=True)
    return PayoutMethod.objects.get(address_id=address.pk)


def copy_addresses() -> None:
    """This site's copies of the addresses that are somebody's newest method, for those who have earnings here and none yet."""
    copied = PayoutMethod.objects.exclude(address_id=None).values("address_id")
    missing = OwnMethod.objects.filter(kind=PayoutMethod.Kind.CRYPTO).exclude(pk__in=copied)
    for method in missing.filter(user_id__in=Account.objects.values("user_id")):
        method_for_payout(method)


def seal_details(method: PayoutMethod, details: dict[str, str]) -> None:
    """Encrypted for this row, unsaved."""
    method.details = crypto.sealed(method, "details", json.dumps(details, sort_keys=True))


def typed_details(method: PayoutMethod) -> dict[str, str]:
    """What the partner typed. Raises Undecryptable for a ciphertext of another row."""
    details: dict[str, str] = json.loads(crypto.opened(method, "details"))
    return details


def read_details(method: PayoutMethod) -> dict[str, str]:
    """For whoever pays it out: what was typed, or `account_id` of a Connect account (missing until Stripe opened it).

    Raises Undecryptable for a ciphertext of another row.
    """
    details = typed_details(method)
    if method.kind == PayoutMethod.Kind.STRIPE_CONNECT:
        account = method.connect.first()
        return {"account_id": account.account_id} if account is not None and account.account_id else {}
    return details
