"""A site's Stripe account for tests, payments, and events as Stripe signs them."""

import hashlib
import hmac
import json
import time
from itertools import count

from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.payments.models import Payment
from apps.payments.services import set_stripe_account

SECRET = "whsec_of_alpha_0123456789"
_numbers = count(1)


def make_account(webhook_secret=SECRET, **changes):
    return set_stripe_account(
        actor=SYSTEM, account_id=changes.get("account_id", "acct_alpha"), publishable_key="pk_test_alpha",
        secret_key=changes.get("secret_key", "sk_test_alpha"), webhook_secret=webhook_secret,
    )  # fmt: skip


def make_payment(*, amount=10_000, provider_id="", purpose="test", subject_id=None, status="open", **fields):
    return Payment.objects.create(
        purpose=purpose, subject_id=subject_id or uuid7(), amount=amount, currency="INR", status=status,
        provider_id=f"pi_{next(_numbers)}" if provider_id == "" else provider_id, **fields,
    )  # fmt: skip


def event(kind, found, **top):
    """An event of Stripe's. `found` is its object."""
    return {"id": f"evt_{next(_numbers)}", "type": kind, "livemode": False, "data": {"object": found}} | top


def intent_of(payment, **changes):
    return {
        "id": payment.provider_id, "object": "payment_intent", "amount": payment.amount, "amount_received": payment.amount,
        "currency": payment.currency.lower(), "latest_charge": f"ch_{payment.provider_id}", "status": "succeeded",
        "metadata": {"site": "ALPHA", "payment_id": str(payment.pk)},
    } | changes  # fmt: skip


def charge_of(payment, refunded, **changes):
    return {
        "id": f"ch_{payment.provider_id}", "object": "charge", "payment_intent": payment.provider_id,
        "amount": payment.amount, "amount_refunded": refunded, "currency": payment.currency.lower(),
    } | changes  # fmt: skip


def refund_of(payment, amount, refund_id="", **changes):
    return {
        "id": refund_id or f"re_{next(_numbers)}", "object": "refund", "payment_intent": payment.provider_id,
        "amount": amount, "currency": payment.currency.lower(), "status": "succeeded", "metadata": {},
    } | changes  # fmt: skip


def dispute_of(payment, amount=None, dispute_id="dp_1", status="needs_response", **changes):
    return {
        "id": dispute_id, "object": "dispute", "payment_intent": payment.provider_id, "amount": amount or payment.amount,
        "currency": payment.currency.lower(), "status": status, "reason": "fraudulent",
    } | changes  # fmt: skip


def signature(body, secret=SECRET, at=None):
    """The Stripe-Signature of a raw body."""
    at = int(at or time.time())
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def send(client, told, *, site="ALPHA", secret=SECRET, at=None, root=True, raw=None):
    """POST an event to a site's door as Stripe does. Returns the answer."""
    body = raw if raw is not None else json.dumps(told).encode()
    url = f"/webhooks/stripe/{site}" if root else f"/api/v1/webhooks/stripe/{site}"
    headers = {"stripe-signature": signature(body, secret, at)}
    return client.post(url, data=body, content_type="application/json", headers=headers)
