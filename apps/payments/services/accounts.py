"""How a site takes money: its account at Stripe. Secrets go in and never come out again but to sign and to verify."""

import json
from dataclasses import dataclass

import stripe
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Invalid
from apps.payments import errors
from apps.payments.models import StripeAccount
from apps.payments.stripe_api import Credentials

TOLERANCE_SECONDS = 300
KEPT_SECRETS = 2  # the new one and the one before, while Stripe is told


@dataclass(frozen=True)
class BadSignature(Exception):
    """Not from Stripe, or too old to be believed."""


@transaction.atomic
def set_stripe_account(
    *, actor: audit.Actor, account_id: str = "", publishable_key: str = "", secret_key: str = "", webhook_secret: str = "",
    is_active: bool | None = None,
) -> StripeAccount:  # fmt: skip
    """Make or change the site's account; what is empty stays as it is. The webhook secret before the new one goes on working.

    The mode, test or live, is what the keys say. Raises Invalid naming the field.
    """
    account = StripeAccount.objects.select_for_update().first()
    is_new = account is None
    account = account or StripeAccount()
    if is_new and not (account_id and publishable_key and secret_key and webhook_secret):
        missing = "account_id" if not account_id else "publishable_key" if not publishable_key else (
            "secret_key" if not secret_key else "webhook_secret"
        )  # fmt: skip
        raise Invalid("required", "A new account needs all four.", field=missing)
    changed = _apply(account, account_id, publishable_key, secret_key, webhook_secret)
    if is_active is not None and account.is_active != is_active:
        account.is_active = is_active
        changed.append("is_active")
    if changed:
        account.changed_at = timezone.now()
        account.save(force_insert=is_new)
        audit.record(actor=actor, action="stripe_account.changed", target=account, after={"changed": sorted(changed)})
    return account


def _apply(
    account: StripeAccount, account_id: str, publishable_key: str, secret_key: str, webhook_secret: str
) -> list[str]:
    changed = []
    if account_id and account_id != account.account_id:
        account.account_id = account_id
        changed.append("account_id")
    if publishable_key and publishable_key != account.publishable_key:
        account.publishable_key = publishable_key
        changed.append("publishable_key")
    _check(account, secret_key, webhook_secret)
    if secret_key and secret_key != crypto.opened(account, "secret_key"):
        account.secret_key = crypto.sealed(account, "secret_key", secret_key)
        changed.append("secret_key")
    known = _secrets(account)
    if webhook_secret and webhook_secret not in known[:1]:
        kept = [webhook_secret, *(one for one in known if one != webhook_secret)][:KEPT_SECRETS]
        account.webhook_secrets = crypto.sealed(account, "webhook_secrets", json.dumps(kept))
        changed.append("webhook_secret")
    account.livemode = account.publishable_key.startswith("pk_live_")
    return changed


def _check(account: StripeAccount, secret_key: str, webhook_secret: str) -> None:
    try:
        account.clean_fields(exclude=["secret_key", "webhook_secrets", "site"])
    except ValidationError as error:
        field = next(iter(error.message_dict))
        raise Invalid("invalid", f"This is no {field.replace('_', ' ')} of Stripe's.", field=field) from error
    mode = account.publishable_key[3:8]
    if secret_key and not secret_key.startswith((f"sk_{mode}", f"rk_{mode}")):
        raise Invalid("invalid", f"A secret key of the same mode begins with sk_{mode}.", field="secret_key")
    if webhook_secret and not webhook_secret.startswith("whsec_"):
        raise Invalid("invalid", "A signing secret begins with whsec_.", field="webhook_secret")


def active_account() -> StripeAccount:
    """Raises Conflict payments_unavailable."""
    account = StripeAccount.objects.filter(is_active=True).first()
    if account is None:
        raise errors.payments_unavailable()
    return account


def credentials(account: StripeAccount | None = None) -> Credentials:
    """What it takes to call Stripe for the present site. Raises Conflict payments_unavailable."""
    account = account or active_account()
    return Credentials(account.account_id, crypto.opened(account, "secret_key"))


def credentials_even_inactive() -> Credentials:
    """A site that takes no more payments still gives back, and calls off what nobody has paid."""
    return credentials(StripeAccount.objects.first())


def verify_signature(*, payload: bytes, header: str) -> None:
    """Raises BadSignature unless this site's Stripe signed the body within the last 300 seconds.

    An inactive account still listens: what was paid before is paid.
    """
    account = StripeAccount.objects.first()
    if account is None:
        raise BadSignature
    for secret in _secrets(account):
        try:
            stripe.WebhookSignature.verify_header(payload, header, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return
    raise BadSignature


def _secrets(account: StripeAccount) -> list[str]:
    found: list[str] = json.loads(crypto.opened(account, "webhook_secrets") or "[]")
    return found
