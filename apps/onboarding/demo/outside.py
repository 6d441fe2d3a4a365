"""The outside services that the demo's sites have accounts with, where a fake of them runs beside us."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from apps.audit.services import SYSTEM
from apps.payments.services import set_stripe_account

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Service:
    """`url` is where its fake answers, "" if none runs. `sign_up(code, name)` gives the present site an account there and
    returns the secret that will sign its webhooks; doing it again changes nothing."""

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
        actor=SYSTEM, account_id=account, publishable_key=publishable, secret_key=key, webhook_secret=signing
    )
    tell(
        f"{_stripe_url()}/_fake/accounts",
        {
            "account": account, "secret_key": key, "publishable_key": publishable, "name": name,
            "webhook_url": webhook_url("stripe", code), "webhook_secret": signing,
        },
    )  # fmt: skip
    return signing


SERVICES = (Service("stripe", _stripe_url, _sign_up_at_stripe),)
