"""Who sends what a site sends on chains. Keys go in and never come out again but to sign and to verify."""

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Invalid
from apps.custody import errors
from apps.custody.gateways import Credentials, Gateway
from apps.custody.models import CustodyAccount

SECRETS = ("api_key", "private_key", "webhook_key")
LEAST_BITS = 2048


@transaction.atomic
def set_custody_account(*, actor: audit.Actor, **values: Any) -> CustodyAccount:
    """Make or change the site's account; what isn't given stays as it is. Raises Invalid naming the field."""
    account = CustodyAccount.objects.select_for_update().first()
    is_new = account is None
    account = account or CustodyAccount()
    changed = [name for name, value in values.items() if _set(account, name, value)]
    try:
        account.full_clean(exclude=["site"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, texts = next(iter(error.message_dict.items()))
        raise Invalid("invalid", texts[0], field=field) from error
    if account.gateway not in settings.UPLINE_CUSTODY_GATEWAYS:
        raise Invalid("invalid", "There is no gateway of this name.", field="gateway")
    if changed:
        account.changed_at = timezone.now()
        account.save(force_insert=is_new)
        audit.record(actor=actor, action="custody_account.changed", target=account, after={"changed": sorted(changed)})
    return account


def _set(account: CustodyAccount, name: str, value: Any) -> bool:
    """Did it change? Secrets that are left empty stay."""
    if name not in SECRETS:
        if getattr(account, name) == value:
            return False
        setattr(account, name, value)
        return True
    if not value or value == crypto.opened(account, name):
        return False
    _check_key(name, value)
    setattr(account, name, crypto.sealed(account, name, value))
    return True


def _check_key(name: str, value: str) -> None:
    if name == "api_key":
        return
    try:
        key: Any = (
            serialization.load_pem_private_key(value.encode(), password=None)
            if name == "private_key"
            else serialization.load_pem_public_key(value.encode())
        )
    except (ValueError, TypeError) as error:
        raise Invalid("invalid", "This is no key in PEM.", field=name) from error
    if not isinstance(key, RSAPrivateKey | RSAPublicKey) or key.key_size < LEAST_BITS:
        raise Invalid("invalid", f"An RSA key of {LEAST_BITS} bits at least.", field=name)


def custody() -> CustodyAccount:
    """Raises Conflict custody_unavailable."""
    account = CustodyAccount.objects.filter(is_active=True).first()
    if account is None:
        raise errors.custody_unavailable()
    return account


def token_network() -> str:
    """The network of the site's token, or nothing where none is set up."""
    return CustodyAccount.objects.values_list("network", flat=True).first() or ""


def gateway_of(account: CustodyAccount) -> Gateway:
    """What talks to the custodian of an account, made with its keys. To be used outside of a transaction."""
    make = import_string(settings.UPLINE_CUSTODY_GATEWAYS[account.gateway])
    keys = Credentials(crypto.opened(account, "api_key"), crypto.opened(account, "private_key"), account.vault_id)
    gateway: Gateway = make(keys)
    return gateway
