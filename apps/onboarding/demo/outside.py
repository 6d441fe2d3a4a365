"""The outside services that the demo's sites have accounts with, where a fake of them runs beside us."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import stripe
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from apps.audit.services import SYSTEM
from apps.core import crypto, inbox, outbox
from apps.core.tenancy import site_context
from apps.custody.models import CustodyAccount
from apps.custody.services import set_custody_account
from apps.payments.services import credentials, set_stripe_account

TIMEOUT = 10.0  # seconds
TOKENS = {"NA": "UPNA", "ASIA": "UPAS"}  # the sites that sell some


@dataclass(frozen=True)
class Service:
    """`url` is where its fake answers, "" if none runs. `sign_up(code, name)` gives the present site an account there and
    returns the secret that signs its webhooks, "" if it needs none; doing it again changes nothing."""

    name: str
    url: Callable[[], str]
    sign_up: Callable[[str, str], str]


def running() -> list[Service]:
    return [service for service in SERVICES if service.url()]


def secret(purpose: str, code: str) -> str:
    """The same at every start of an instance, and another's at another."""
    return hmac.new(settings.SECRET_KEY.encode(), f"demo {purpose} {code}".encode(), hashlib.sha256).hexdigest()[:32]


def webhook_url(service: str, code: str) -> str:
    return f"http://127.0.0.1:{getattr(settings, 'UPLINE_PORT', 8000)}/webhooks/{service}/{code}"


def tell(url: str, data: dict[str, str]) -> None:
    """POST to a fake. Raises OSError."""
    body = json.dumps(data).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310 - the launcher's
    urllib.request.urlopen(request, timeout=TIMEOUT).close()  # noqa: S310


# --- Stripe ----------------------------------------------------------------------------------------------------------------


def _stripe_url() -> str:
    """A pay page is what only the fake has."""
    return str(settings.STRIPE_API_BASE) if settings.UPLINE_STRIPE_PAY_URL else ""


def _sign_up_at_stripe(code: str, name: str) -> str:
    account, publishable = f"acct_demo_{code}", f"pk_test_{secret('publishable', code)}"
    key, signing = f"sk_test_{secret('stripe', code)}", f"whsec_{secret('stripe webhook', code)}"
    set_stripe_account(
        actor=SYSTEM, account_id=account, publishable_key=publishable, secret_key=key, webhook_secret=signing,
        connect_secret=f"{signing}connect",
    )  # fmt: skip
    tell(
        f"{_stripe_url()}/_fake/accounts",
        {
            "account": account, "secret_key": key, "publishable_key": publishable, "name": name,
            "webhook_url": webhook_url("stripe", code), "webhook_secret": signing,
        },
    )  # fmt: skip
    return signing


def hear_stripe(site_id: UUID, url: str) -> None:
    """What the webhook would have been told, for nothing listens yet. Stripe tells it again once we do, and twice is once."""
    with site_context(site_id):
        key = credentials().secret_key
    client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=2)
    events = list(client.v1.events.list({"limit": 100}).auto_paging_iter())
    with site_context(site_id):
        for event in reversed(events):
            inbox.receive("stripe", event_id=event.id, kind=event.type, payload=event.to_dict())
    with site_context(site_id):
        while any(outbox.drain(site_id, consumer) for consumer in sorted(outbox.consumers())):
            continue


# --- Fireblocks ------------------------------------------------------------------------------------------------------------


def _fireblocks_url() -> str:
    """The keys of the real one are not beside its API."""
    base = str(settings.FIREBLOCKS_API_BASE)
    return base if settings.FIREBLOCKS_JWKS_URL.startswith(f"{base}/") else ""


def _sign_up_at_fireblocks(code: str, name: str) -> str:
    """A key pair is made once. In the demo it signs our requests and, by the old protocol, what tells us of their outcome."""
    if code not in TOKENS:
        return ""
    account = CustodyAccount.objects.first()
    pem = crypto.opened(account, "private_key") if account is not None else _new_key()
    public = load_pem_private_key(pem.encode(), password=None).public_key()
    shown = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    api_key, workspace = secret("fireblocks", code), f"ws-{code}"
    set_custody_account(
        actor=SYSTEM, api_key=api_key, private_key=pem, webhook_key=shown, workspace_id=workspace, vault_id="0",
        asset_id=f"{TOKENS[code]}_ETH", symbol=TOKENS[code], network="ethereum",
    )  # fmt: skip
    tell(
        f"{_fireblocks_url()}/_fake/accounts",
        {
            "api_key": api_key, "public_key": shown, "workspace_id": workspace,
            "webhook_url": webhook_url("fireblocks", code),
        },
    )  # fmt: skip
    return pem


def _new_key() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


SERVICES = (
    Service("stripe", _stripe_url, _sign_up_at_stripe),
    Service("fireblocks", _fireblocks_url, _sign_up_at_fireblocks),
)
