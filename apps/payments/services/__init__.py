"""Every write of payments, their refunds and disputes, and how a site takes money."""

from apps.payments.services.accounts import (
    account_of,
    credentials,
    set_stripe_account,
    takes_payments,
    verify_signature,
)
from apps.payments.services.events import handle_events
from apps.payments.services.opening import (
    call_off,
    cancel_payment,
    drop_payment,
    lapse_payment,
    open_payment,
    payment_of,
    record_intent,
    start_payment,
)
from apps.payments.services.refunding import (
    owed,
    request_refund,
    retry_refund,
    send_refund,
    settle_refund,
    start_refund,
    underway,
)

__all__ = [
    "account_of",
    "call_off",
    "cancel_payment",
    "credentials",
    "drop_payment",
    "handle_events",
    "lapse_payment",
    "open_payment",
    "owed",
    "payment_of",
    "record_intent",
    "request_refund",
    "retry_refund",
    "send_refund",
    "set_stripe_account",
    "settle_refund",
    "start_payment",
    "start_refund",
    "takes_payments",
    "underway",
    "verify_signature",
]
