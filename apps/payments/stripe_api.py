"""Stripe, by its official library. Every call here is made outside of a database transaction and with a key of its own, so that
the same call again is the same intent or refund.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import stripe
from django.conf import settings

from apps.core.errors import Conflict
from apps.payments import errors

TIMEOUT = (3.05, 10)
"""Seconds to connect and to answer. A request waits for it, without holding a transaction."""
GONE = "canceled"
GONE_STATES = (GONE,)


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent, as far as we look."""

    id: str
    status: str
    client_secret: str = field(repr=False, default="")


@dataclass(frozen=True)
class MadeRefund:
    id: str
    status: str
    failure: str = ""


@dataclass(frozen=True)
class Credentials:
    """What it takes to act for one site."""

    account_id: str
    secret_key: str = field(repr=False)


def open_intent(
    credentials: Credentials,
    *,
    payment_id: UUID,
    amount: int,
    currency: str,
    description: str,
    metadata: dict[str, str],
) -> Intent:
    """The PaymentIntent of a payment; asked for again, the same one. Raises Unavailable, Conflict."""
    params: Any = {
        "amount": amount, "currency": currency.lower(), "description": description, "metadata": metadata,
        "automatic_payment_methods": {"enabled": True},
    }  # fmt: skip
    made = call(
        lambda client: client.v1.payment_intents.create(params, {"idempotency_key": f"payment-{payment_id}"}),
        credentials,
    )
    return _intent(made)


def read_intent(credentials: Credentials, intent_id: str) -> Intent:
    return _intent(call(lambda client: client.v1.payment_intents.retrieve(intent_id), credentials))


def cancel_intent(credentials: Credentials, intent_id: str) -> Intent:
    """Stripe decides: what is paid already stays paid, and its state says so. Raises Unavailable."""
    try:
        return _intent(call(lambda client: client.v1.payment_intents.cancel(intent_id), credentials))
    except Conflict:
        return read_intent(credentials, intent_id)


def make_refund(
    credentials: Credentials, *, refund_id: UUID | str, intent_id: str, amount: int, metadata: dict[str, str]
) -> MadeRefund:
    """A refund, once however often this is called. Raises Unavailable (unknown: ask again), Conflict (refused)."""
    params: Any = {"payment_intent": intent_id, "amount": amount, "metadata": metadata}
    made = call(
        lambda client: client.v1.refunds.create(params, {"idempotency_key": f"refund-{refund_id}"}), credentials
    )
    return _refund(made)


def find_refund(credentials: Credentials, *, refund_id: UUID | str, intent_id: str) -> MadeRefund | None:
    """The refund that was made for this row of ours, if any was. Raises Unavailable."""
    params: Any = {"payment_intent": intent_id, "limit": 100}
    listed = call(lambda client: list(client.v1.refunds.list(params).auto_paging_iter()), credentials)
    ours = (made for made in listed if getattr(made.metadata, "refund_id", None) == str(refund_id))
    return next(map(_refund, ours), None)


def _refund(made: Any) -> MadeRefund:
    return MadeRefund(made.id, str(made.status), str(getattr(made, "failure_reason", "") or ""))


def _intent(made: Any) -> Intent:
    return Intent(made.id, made.status, made.client_secret or "")


def call(ask: Any, credentials: Credentials) -> Any:
    """What `ask(client)` answers, with Stripe's errors as ours. Raises Unavailable (unknown: ask again), Conflict (refused)."""
    try:
        return ask(_client(credentials.secret_key, settings.STRIPE_API_BASE))
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise errors.provider_unavailable() from error
    except stripe.InvalidRequestError as error:
        raise errors.provider_refused(error.user_message or str(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # Of the key, not of what was asked: that may have been done before.
        raise errors.payments_unavailable() from error
    except stripe.StripeError as error:
        # 409: the same call is under way, from another process. What becomes of it is not known either.
        if (error.http_status or 500) >= 500 or error.http_status == 409:
            raise errors.provider_unavailable() from error
        raise errors.provider_refused(error.user_message or str(error)) from error


@lru_cache(maxsize=256)
def _client(secret_key: str, base: str) -> stripe.StripeClient:
    """One for each account, with connections that stay open. We ask again ourselves, so the library doesn't."""
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": base},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )
