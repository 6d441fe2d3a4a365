"""Money that goes back. A refund of a Stripe payment is made at Stripe first; what it was for hears of it when it is made.

A refund row is committed before the call, and its id is the call's key for ever: a call that timed out is made again with the
same key, which asks rather than refunds twice.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core import waking
from apps.core.errors import Conflict, Invalid
from apps.core.tenancy import require_site_id, site_context
from apps.payments import errors, purposes, stripe_api
from apps.payments.models import Dispute, Payment, PaymentRefund
from apps.payments.services.accounts import account_of, credentials

logger = logging.getLogger(__name__)

Status = PaymentRefund.Status

# Stripe forgets keys after 24 hours. Later the same call would refund again, so what was made is looked for first.
KEY_LIVES = timedelta(hours=20)
_ALL_BACK_AGAIN = "All of it was given back. What the bank sent back is sent again from the list of refunds."


@transaction.atomic
def request_refund(
    *, payment: Payment, external_id: str, amount: int | None, reason: str, actor: audit.Actor
) -> tuple[PaymentRefund, bool]:
    """A refund that is to be made, and whether it is new. `amount` None is all that is left.

    It is sent after the commit by a task; a request that wants the outcome goes on with `start_refund`. Raises Conflict
    (invalid_state, external_id_conflict), Invalid (refund_exceeds_{purpose}), Denied (own_{purpose}).
    """
    _refuse_own(payment, actor)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    known = PaymentRefund.objects.filter(payment=payment, external_id=external_id).first()
    if known is not None:
        if (amount is not None and known.amount != amount) or known.reason != reason:
            raise Conflict(
                "external_id_conflict", "This refund was asked for before, with other contents.", field="external_id"
            )
        return known, False
    if payment.status != Payment.Status.SUCCEEDED:
        raise Conflict("invalid_state", "Nothing was paid that could go back.")
    rest = payment.amount - gone(payment) - underway(payment)
    if rest <= 0:
        raise Conflict("invalid_state", _ALL_BACK_AGAIN if owed(payment) else "All of it went back already.")
    if amount is not None and amount > rest:
        raise Invalid(
            f"refund_exceeds_{payment.purpose}", f"More than is left of this {payment.purpose}.", field="amount", rest=rest
        )  # fmt: skip
    refund = PaymentRefund.objects.create(
        payment=payment, external_id=external_id, amount=amount or rest, reason=reason,
        requested_by=actor if isinstance(actor, User) else None,
    )  # fmt: skip
    audit.record(
        actor=actor, action="payment.refund_requested", target=payment, after={"amount": refund.amount}, reason=reason
    )
    _send_soon(refund)
    return refund, True


@transaction.atomic
def retry_refund(*, refund: PaymentRefund, actor: audit.Actor) -> PaymentRefund:
    """Send again what the bank sent back: a new refund at Stripe, in place of one that is owed.

    What was bought heard of the first, so it hears nothing of this one. Raises Conflict invalid_state (not owed, or under way
    again already), Denied own_{purpose}.
    """
    payment = Payment.objects.select_for_update().get(pk=refund.payment_id)
    _refuse_own(payment, actor)
    refund = PaymentRefund.objects.get(pk=refund.pk)
    if not refund.owed:
        raise Conflict("invalid_state", "The buyer is not owed this refund.")
    if refund.retries.filter(status=Status.REQUESTED).exists():
        raise Conflict("invalid_state", "This refund is being sent again already.")
    again = PaymentRefund.objects.create(
        payment=payment, retry_of=refund, amount=refund.amount, reason=refund.reason,
        requested_by=actor if isinstance(actor, User) else None,
    )  # fmt: skip
    audit.record(
        actor=actor,
        action="payment.refund_retried",
        target=payment,
        after={"amount": again.amount},
        reason=again.reason,
    )
    _send_soon(again)
    return again


def _refuse_own(payment: Payment, actor: audit.Actor) -> None:
    """Whoever paid it doesn't decide that the money comes back, whatever else they may."""
    if actor.actor_id is not None and payment.user_id == actor.actor_id:
        raise errors.own(payment.purpose)


def start_refund(refund: PaymentRefund, answer: Callable[[], Any]) -> tuple[Callable[[], None], Callable[[None], Any]]:
    """(call, finish) of the request's next phases: have Stripe make it, then answer.

    Not answered by Stripe it goes on by itself; asking again says what became of it. One that was made is not refused if its
    bank sends it back: it is owed. `finish` raises Conflict payment_provider_refused.
    """
    site_id, refund_id = require_site_id(), refund.pk

    def call() -> None:
        send_refund(site_id=site_id, refund_id=refund_id)

    def finish(_: None) -> Any:
        refund.refresh_from_db()
        if refund.status == Status.FAILED and refund.provider_id is None:
            raise errors.provider_refused(refund.failure or "the refund failed")
        return answer()

    return call, finish


def _send_soon(refund: PaymentRefund) -> None:
    """A moment later: whoever asked is sending it now, and one call is enough."""
    waking.after_commit("apps.payments.tasks.send_one_refund", str(require_site_id()), str(refund.pk), countdown=5)


def send_refund(*, site_id: UUID | str, refund_id: UUID | str) -> None:
    """Make it at Stripe and write down what became of it. Called outside of a transaction; safe to repeat.

    Raises Unavailable: not known, ask again. A refusal of Stripe's is written down as FAILED.
    """
    with site_context(site_id):
        refund = PaymentRefund.objects.select_related("payment").get(pk=refund_id)
        if refund.status != Status.REQUESTED or refund.provider_id is not None:
            return  # with an id it is made already, and waits there for its customer
        who, intent_id, amount = (
            credentials(account_of(refund.payment)),
            refund.payment.provider_id or "",
            refund.amount,
        )
        is_old = refund.created_at < timezone.now() - KEY_LIVES
    try:
        found = stripe_api.find_refund(who, refund_id=refund_id, intent_id=intent_id) if is_old else None
        made = found or stripe_api.make_refund(
            who, refund_id=refund_id, intent_id=intent_id, amount=amount, metadata={"refund_id": str(refund_id)}
        )
    except Conflict as error:
        if error.code == errors.UNAVAILABLE:  # our key is no longer good, which says nothing of the refund
            raise errors.provider_unavailable() from error
        made = stripe_api.MadeRefund("", "failed", error.message)
    with site_context(site_id):
        settle_refund(refund_id=refund_id, provider_id=made.id, state=made.status, failure=made.failure)


@transaction.atomic
def settle_refund(*, refund_id: UUID | str, provider_id: str, state: str, failure: str = "") -> None:
    """REQUESTED → SUCCEEDED (Stripe's `pending` is money on its way) or FAILED. Then what it was for hears of it."""
    refund = PaymentRefund.objects.select_related("payment").get(pk=refund_id)
    payment = Payment.objects.select_for_update().get(pk=refund.payment_id)
    refund = PaymentRefund.objects.get(pk=refund_id)
    apply_state(refund, provider_id=provider_id, state=state, failure=failure)
    pass_on(payment, external_id=refund.external_id or provider_id, reason=refund.reason)


def apply_state(refund: PaymentRefund, *, provider_id: str, state: str, failure: str = "") -> None:
    """What Stripe says of one refund. States only move forward. `refund`'s payment is locked.

    One that was made and failed is owed, whether or not we had heard that it was made: events come in any order. Nor is a
    refusal the last word: Stripe may have made it before it refused, or we have misread an answer.
    """
    is_gone = state in ("failed", "canceled")
    status = Status.FAILED if is_gone else Status.SUCCEEDED
    fields, was_asked = [], refund.status == Status.REQUESTED and refund.external_id is not None
    was_refused = refund.status == Status.FAILED and refund.provider_id is None and bool(provider_id)
    if provider_id and refund.provider_id is None:
        refund.provider_id = provider_id
        fields.append("provider_id")
    if refund.status == Status.REQUESTED or was_refused or (refund.status == Status.SUCCEEDED and is_gone):
        refund.status, refund.failure, refund.settled_at = status, failure[:200], timezone.now()
        refund.owed = is_gone and refund.provider_id is not None
        fields += ["status", "failure", "settled_at", "owed"]
    if fields:
        refund.save(update_fields=fields)
    if was_asked and is_gone and not refund.owed:  # never made: what was set aside for it is free again
        purposes.of(refund.payment).refund_failed(refund.payment, refund)
    if "status" in fields:
        _after(refund)


def _after(refund: PaymentRefund) -> None:
    """A retry that was made counts in place of what it retries, even if the bank sends it back too."""
    if refund.retry_of_id and refund.provider_id is not None:
        PaymentRefund.objects.filter(pk=refund.retry_of_id).update(owed=False)
    if refund.owed:
        audit.record(actor=audit.SYSTEM, action="payment.refund_returned", target=refund.payment,
                     after={"amount": refund.amount}, reason=refund.failure)  # fmt: skip


def gone(payment: Payment) -> int:
    """What went back of a payment, all told: refunds one by one, or in all as the charge says, and lost disputes.

    What the bank sent back stays gone, since the buyer is owed it. The charge's sum may know of refunds that no event told
    singly; those we have asked for and not heard of are in it too, and those sent back were.
    """
    told = _sum(payment.refunds.filter(status=Status.SUCCEEDED)) + owed(payment)
    untold = max(payment.charge_refunded - told - underway(payment), 0)
    lost = _sum(payment.disputes.filter(status=Dispute.Status.LOST))
    return min(told + untold + lost, payment.amount)


def owed(payment: Payment) -> int:
    """What the bank sent back and has not gone to the buyer again."""
    return _sum(payment.refunds.filter(owed=True))


def pass_on(payment: Payment, *, external_id: str, reason: str = "") -> None:
    """Tell what it was for how much more went back, once the payment is there. `payment` is locked."""
    if payment.status != Payment.Status.SUCCEEDED:
        return
    total = gone(payment)
    more = total - payment.refunded_amount
    if more <= 0:
        return
    payment.refunded_amount = total
    payment.save(update_fields=["refunded_amount"])
    purposes.of(payment).refunded(payment, amount=more, external_id=external_id, reason=reason)


def underway(payment: Payment) -> int:
    """What was asked for and is not known to be made or refused. A retry is counted where what it retries is."""
    return _sum(payment.refunds.filter(status=Status.REQUESTED, retry_of=None))


def _sum(rows: object) -> int:
    found = rows.aggregate(total=Sum("amount"))["total"]  # type: ignore[attr-defined]
    return int(found or 0)
