"""Opening a payment and giving it up. The intent is committed first, the call to Stripe is made outside of a transaction.

payment = open_payment(purpose="order", subject_id=order.pk, ...)         # with the order, in its transaction
return call_out(request, *start_payment(payment, lambda intent: Response(...)))
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.tenancy import site_context
from apps.payments import errors, stripe_api
from apps.payments.models import Payment
from apps.payments.services.accounts import account_of, active_account, credentials
from apps.payments.stripe_api import Intent
from apps.sites.selectors import current_site

Status = Payment.Status
UNASKED = timedelta(days=1)
"""How long what nobody paid in time waits where Stripe lets nobody ask about its payment."""


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


def payment_of(purpose: str, subject_id: UUID, *, lock: bool = False) -> Payment:
    """Of a subject that has one."""
    payments = Payment.objects.select_for_update() if lock else Payment.objects.all()
    return payments.get(purpose=purpose, subject_id=subject_id)


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


@transaction.atomic
def drop_payment(*, purpose: str, subject_id: UUID) -> Payment | None:
    """CREATED → CANCELLED where Stripe would not open it: nobody can pay. None, unchanged, where Stripe has it: somebody may be
    paying. If the intent was made all the same and is paid by whatever means, the money goes back: nobody wants it.
    """
    # Locked before it is looked at: another request may be writing down that Stripe has it, and handing it out.
    payment = payment_of(purpose, subject_id, lock=True)
    if payment.provider_id is not None or not cancel_payment(payment_id=payment.pk, state=stripe_api.GONE):
        return None
    return payment


def lapse_payment(
    *, site_id: UUID | str, purpose: str, subject_id: UUID, since: datetime, give_up: Callable[[str], bool]
) -> bool:
    """What nobody paid by `since` is over: called off at Stripe, then `give_up` is told its state in a transaction of the site's.
    Called outside of a transaction; safe to repeat. True if it was given up.

    Where Stripe says that it is paid, the webhook pays it. Where Stripe doesn't answer, the next sweep asks. Where nobody may ask
    any more, no account or its key refused, it is over a day later all the same: who pays it then is given the money back.
    """
    try:
        with site_context(site_id):
            call = call_off(payment_of(purpose, subject_id))
        state = call()
    except DomainError as error:
        if error.code != errors.UNAVAILABLE or since >= timezone.now() - UNASKED:
            return False
        state = stripe_api.GONE
    with site_context(site_id):
        return give_up(state)
