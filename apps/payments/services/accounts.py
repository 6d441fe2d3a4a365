"""How a site takes money: its account at Stripe. Secrets go in and never come out again but to sign and to verify."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import stripe
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Invalid
from apps.payments import errors
from apps.payments.models import Payment, StripeAccount
from apps.payments.stripe_api import Credentials

TOLERANCE_SECONDS = 300
LISTENS = timedelta(days=90)
"""How long a retired account is heard: refunds and disputes of what was paid there."""
KEPT_SECRETS = 2  # the new one and the one before, while Stripe is told


@dataclass(frozen=True)
class BadSignature(Exception):
    """Not from Stripe, or too old to be believed."""


@transaction.atomic
def set_stripe_account(
    *, actor: audit.Actor, account_id: str = "", publishable_key: str = "", secret_key: str = "", webhook_secret: str = "",
    connect_secret: str = "", is_active: bool | None = None,
) -> StripeAccount:  # fmt: skip
    """Make or change the site's account; what is empty stays as it is. A webhook secret before the new one goes on working.
    `connect_secret` is that of the endpoint for connected accounts, where partners are paid by Stripe.

    Another account id retires the account there was, if payments were opened at it. The mode, test or live, is what the keys say.
    Raises Invalid naming the field.
    """
    account = StripeAccount.objects.select_for_update().filter(retired_at=None).first()
    is_new, retired = account is None, None
    if account is not None and account_id not in ("", account.account_id) and Payment.objects.exists():
        retired, account = account, StripeAccount.objects.filter(account_id=account_id).first()
        is_new = account is None
    account = account or StripeAccount()
    if (is_new or retired) and not (account_id and publishable_key and secret_key and webhook_secret):
        missing = "account_id" if not account_id else "publishable_key" if not publishable_key else (
            "secret_key" if not secret_key else "webhook_secret"
        )  # fmt: skip
        raise Invalid("required", "A new account needs all four.", field=missing)
    if retired is not None:
        _retire(retired, actor)
        account.retired_at = None
    changed = _apply(account, account_id, publishable_key, secret_key, webhook_secret, connect_secret)
    if is_active is not None and account.is_active != is_active:
        account.is_active = is_active
        changed.append("is_active")
    if changed or retired is not None:
        account.changed_at = timezone.now()
        account.save(force_insert=is_new)
        audit.record(actor=actor, action="stripe_account.changed", target=account, after={"changed": sorted(changed)})
    return account


def _retire(account: StripeAccount, actor: audit.Actor) -> None:
    """What was opened at it is called off and given back there; its events are heard as long as they matter."""
    Payment.objects.filter(account_id="").update(account_id=account.account_id)
    account.retired_at = timezone.now()
    account.save(update_fields=["retired_at"])
    audit.record(actor=actor, action="stripe_account.retired", target=account)


def _apply(
    account: StripeAccount, account_id: str, publishable_key: str, secret_key: str, webhook_secret: str, connect_secret: str
) -> list[str]:  # fmt: skip
    changed = []
    if account_id and account_id != account.account_id:
        account.account_id = account_id
        changed.append("account_id")
    if publishable_key and publishable_key != account.publishable_key:
        account.publishable_key = publishable_key
        changed.append("publishable_key")
    _check(account, secret_key, webhook_secret, connect_secret)
    if secret_key and secret_key != crypto.opened(account, "secret_key"):
        account.secret_key = crypto.sealed(account, "secret_key", secret_key)
        changed.append("secret_key")
    for column, name, secret in (
        ("webhook_secrets", "webhook_secret", webhook_secret), ("connect_secrets", "connect_secret", connect_secret),
    ):  # fmt: skip
        known = _secrets(account, column)
        if secret and secret not in known[:1]:
            kept = [secret, *(one for one in known if one != secret)][:KEPT_SECRETS]
            setattr(account, column, crypto.sealed(account, column, json.dumps(kept)))
            changed.append(name)
    account.livemode = account.publishable_key.startswith("pk_live_")
    return changed


def _check(account: StripeAccount, secret_key: str, webhook_secret: str, connect_secret: str) -> None:
    try:
        account.clean_fields(exclude=[*StripeAccount.sealed_columns, "site"])
    except ValidationError as error:
        field = next(iter(error.message_dict))
        raise Invalid("invalid", f"This is no {field.replace('_', ' ')} of Stripe's.", field=field) from error
    mode = account.publishable_key[3:8]
    if secret_key and not secret_key.startswith((f"sk_{mode}", f"rk_{mode}")):
        raise Invalid("invalid", f"A secret key of the same mode begins with sk_{mode}.", field="secret_key")
    for name, secret in (("webhook_secret", webhook_secret), ("connect_secret", connect_secret)):
        if secret and not secret.startswith("whsec_"):
            raise Invalid("invalid", "A signing secret begins with whsec_.", field=name)


def takes_payments() -> bool:
    """Whether the site can be paid now."""
    return _active().exists()


def _active() -> QuerySet[StripeAccount]:
    return StripeAccount.objects.filter(is_active=True, retired_at=None)


def active_account() -> StripeAccount:
    """Raises Conflict payments_unavailable."""
    account = _active().first()
    if account is None:
        raise errors.payments_unavailable()
    return account


def account_of(payment: Payment) -> StripeAccount:
    """Where it was opened, retired or not taking payments any more: money is given back there, and called off what nobody has
    paid. Raises Conflict payments_unavailable."""
    at: dict[str, Any] = {"account_id": payment.account_id} if payment.account_id else {"retired_at": None}
    account = StripeAccount.objects.filter(**at).first()
    if account is None:
        raise errors.payments_unavailable()
    return account


def credentials(account: StripeAccount | None = None) -> Credentials:
    """What it takes to call Stripe for an account of the present site, the active one without. Raises Conflict
    payments_unavailable."""
    account = account or active_account()
    return Credentials(account.account_id, crypto.opened(account, "secret_key"))


def verify_signature(*, payload: bytes, header: str) -> str:
    """The id of this site's account whose Stripe signed the body within the last 300 seconds. Raises BadSignature.

    An inactive account still listens: what was paid before is paid. So does one that was retired lately, or that somebody may
    still pay at.
    """
    for account in _listening():
        for secret in (*_secrets(account, "webhook_secrets"), *_secrets(account, "connect_secrets")):
            try:
                stripe.WebhookSignature.verify_header(payload, header, secret, TOLERANCE_SECONDS)
            except (stripe.SignatureVerificationError, UnicodeDecodeError):
                continue
            return account.account_id
    raise BadSignature


def _listening() -> QuerySet[StripeAccount]:
    """The present one first."""
    unpaid = Payment.objects.filter(
        account_id=OuterRef("account_id"), status__in=(Payment.Status.CREATED, Payment.Status.OPEN)
    )
    lately = Q(retired_at__gt=timezone.now() - LISTENS)
    accounts = StripeAccount.objects.filter(Q(retired_at=None) | lately | Exists(unpaid))
    return accounts.order_by(F("retired_at").desc(nulls_first=True))


def _secrets(account: StripeAccount, column: str) -> list[str]:
    found: list[str] = json.loads(crypto.opened(account, column) or "[]")
    return found
