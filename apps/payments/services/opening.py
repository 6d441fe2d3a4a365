"""Opening a payment and giving it up. The intent is committed first, the call to Stripe is made outside of a transaction.

payment = open_payment(purpose="order", subject_id=order.pk, ...)         # with the order, in its transaction
return call_out(request, *start_payment(payment, lambda intent: Response(...)))
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.payments import errors, stripe_api
from apps.payments.models import Payment
from apps.payments.services.accounts import account_of, active_account, credentials
from apps.payments.stripe_api import Intent
from apps.sites.selectors import current_site

Status = Payment.Status


def open_payment(*, purpose: str, subject_id: UUID, amount: int, description: str, user: User | None) -> Payment:
    """The payment of a subject: CREATED, or the one there is. Raises Conflict payments_unavailable."""
    account = active_account()
    payment, _ = Payment.objects.get_or_create(
        purpose=purpose, subject_id=subject_id,
        defaults={
            "amount": amount, "currency": current_site().currency, "description": description[:200], "user": user,
            "account_id": account.account_id,
        },
    )  # fmt: skip
    return payment


def start_payment(
    payment: Payment, answer: Callable[[Intent], Any]
) -> tuple[Callable[[], Intent], Callable[[Intent], Any]]:
    """(call, finish) of the request's next phases: have Stripe make the intent, or find it again, and keep its id."""
    active_account()  # a site that takes no more payments opens none
    who, ask = credentials(account_of(payment)), _asking(payment)

    def call() -> Intent:
        intent = ask(who)
        if intent.status in stripe_api.GONE_STATES:
            raise errors.provider_refused("this payment was cancelled")
        return intent

    def finish(intent: Intent) -> Any:
        if record_intent(payment_id=payment.pk, intent_id=intent.id).status == Status.CANCELLED:
            raise errors.provider_refused("this payment was cancelled")  # meanwhile: nobody is to pay it
        return answer(intent)

    return call, finish


def _asking(payment: Payment) -> Callable[[stripe_api.Credentials], Intent]:
    """What is read of the row is read now, in its transaction."""
    known, metadata = payment.provider_id, metadata_of(payment)
    if known:
        return lambda who: stripe_api.read_intent(who, known)
    amount, currency, description, pk = payment.amount, payment.currency, payment.description, payment.pk
    return lambda who: stripe_api.open_intent(
        who, payment_id=pk, amount=amount, currency=currency, description=description, metadata=metadata
    )


def metadata_of(payment: Payment) -> dict[str, str]:
    """What a webhook is checked against, and what people see at Stripe."""
    return {
        "site": current_site().code,
        "payment_id": str(payment.pk),
        f"{payment.purpose}_id": str(payment.subject_id),
    }


@transaction.atomic
def record_intent(*, payment_id: UUID, intent_id: str) -> Payment:
    """CREATED → OPEN. A webhook may have been faster."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if payment.provider_id is None:
        payment.provider_id = intent_id
        payment.advance(to=Status.OPEN)
        payment.save(update_fields=["provider_id", "status"])
    return payment


def call_off(payment: Payment) -> Callable[[], str]:
    """To be called outside of a transaction: Stripe's word on whether this payment is over. Returns the state it is in.

    A payment whose intent we never heard of is asked for once more: the same key is the same intent, and that one is cancelled.
    Raises Unavailable.
    """
    who, ask, known = credentials(account_of(payment)), _asking(payment), payment.provider_id

    def call() -> str:
        intent_id = known or ask(who).id
        return stripe_api.cancel_intent(who, intent_id).status

    return call


@transaction.atomic
def cancel_payment(*, payment_id: UUID, state: str) -> bool:
    """After Stripe said so: OPEN → CANCELLED. False where it is paid, or being paid: the webhook will tell."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if payment.status == Status.CANCELLED:
        return True
    if state not in stripe_api.GONE_STATES or not payment.advance(to=Status.CANCELLED):
        return False
    payment.save(update_fields=["status"])
    return True
