"""Money that somebody adds to their funds (A12). Credited by Stripe's verified word alone, once.

The payment is locked before the deposit, the wallet's accounts last.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.core.money import MAX_AMOUNT
from apps.core.tenancy import site_context
from apps.payments import services as payments
from apps.payments.models import Dispute, Payment, PaymentRefund
from apps.sites.selectors import current_site, site_settings
from apps.wallet.models import Deposit
from apps.wallet.services.funds import deposit_funds, return_deposit, take_deposit
from apps.wallet.services.guards import check_has_funds

PURPOSE = "deposit"
LAPSED = "Not paid in time."
Status = Deposit.Status


@transaction.atomic
def open_deposit(*, user: User, amount: int, device_id: str = "", ip_address: str = "") -> tuple[Deposit, Payment]:
    """A PENDING deposit and the payment to be opened for it. `amount` in minor units of the site's currency.

    Raises Invalid (below_minimum, amount_too_large), Conflict (payments_unavailable, enterprise_pays).
    """
    check_has_funds(user.pk)
    settings = site_settings()
    if amount < settings.deposit_minimum:
        raise Invalid(
            "below_minimum", "This is less than one deposit can be.", field="amount", minimum=settings.deposit_minimum
        )
    most = settings.deposit_maximum or MAX_AMOUNT
    if amount > most:
        raise Invalid("amount_too_large", "This is more than one deposit can be.", field="amount", maximum=most)
    deposit = Deposit.objects.create(
        user=user, amount=amount, currency=current_site().currency, device_id=device_id, ip_address=ip_address
    )
    payment = payments.open_payment(
        purpose=PURPOSE, subject_id=deposit.pk, amount=amount, description="Funds for the wallet", user=user
    )
    audit.record(actor=user, action="deposit.opened", target=deposit, after={"amount": amount})
    return deposit, payment


def payment_of(deposit: Deposit, *, lock: bool = False) -> Payment:
    return payments.payment_of(PURPOSE, deposit.pk, lock=lock)


@transaction.atomic
def drop_deposit(*, deposit: Deposit) -> None:
    """PENDING -> CANCELLED where Stripe would not open the payment. Nothing happens where Stripe has it."""
    payment = payments.drop_payment(purpose=PURPOSE, subject_id=deposit.pk)
    if payment is not None:
        _give_up(_locked(payment), "The payment could not be opened.")


def lapsed_deposits(limit: int) -> list[UUID]:
    """Whose time to pay is over. In any order: those that Stripe keeps would else stand before the others for ever."""
    began = timezone.now() - Deposit.PAYABLE_FOR
    over = Deposit.objects.filter(status=Status.PENDING, created_at__lte=began).order_by("?")
    return list(over.values_list("pk", flat=True)[:limit])


def lapse_deposit(*, site_id: UUID | str, deposit_id: UUID) -> bool:
    """Give an unpaid deposit up, at Stripe first (payments.lapse_payment)."""
    with site_context(site_id):
        deposit = Deposit.objects.get(pk=deposit_id)

    def give_up(state: str) -> bool:
        payment = payment_of(deposit)
        return payments.cancel_payment(payment_id=payment.pk, state=state) and _give_up(_locked(payment), LAPSED)

    return payments.lapse_payment(
        site_id=site_id, purpose=PURPOSE, subject_id=deposit_id, since=deposit.payable_until, give_up=give_up
    )  # fmt: skip


class DepositPayments:
    """What becomes of a deposit when something becomes of its payment (apps.payments.purposes)."""

    def paid(self, payment: Payment) -> bool:
        """PENDING -> PAID, and into funds. False once it was given up: then the money goes back."""
        deposit = _locked(payment)
        if deposit.status != Status.PENDING:
            return deposit.status != Status.CANCELLED
        deposit.advance(to=Status.PAID)
        deposit.paid_at = payment.succeeded_at
        deposit.save(update_fields=["status", "paid_at"])
        deposit_funds(user_id=deposit.user_id, amount=deposit.amount, currency=deposit.currency, ref_id=str(deposit.pk))
        audit.record(actor=audit.SYSTEM, action="deposit.paid", target=deposit, after={"amount": deposit.amount})
        outbox.publish("deposit.paid", key=str(deposit.pk), payload={"deposit_id": str(deposit.pk)})
        return True

    def failed(self, payment: Payment) -> None:
        """A refused card may be tried again; a payment that was cancelled at Stripe gives the deposit up."""
        if payment.status == Payment.Status.CANCELLED:
            _give_up(_locked(payment), "The payment was cancelled.")

    def refunded(self, payment: Payment, *, amount: int, external_id: str, reason: str) -> None:
        deposit = _locked(payment)
        if deposit.status not in Deposit.REFUNDABLE:
            return
        before = deposit.refunded_amount
        deposit.refunded_amount += min(amount, deposit.rest)
        following = Status.PARTIALLY_REFUNDED if deposit.rest else Status.REFUNDED
        if deposit.status != following:
            deposit.advance(to=following)
        deposit.save(update_fields=["refunded_amount", "status"])
        _settle(deposit, payment)
        asked = payment.refunds.select_related("requested_by").filter(external_id=external_id).first()
        audit.record(
            actor=(asked and asked.requested_by) or audit.SYSTEM, action="deposit.refunded", target=deposit, reason=reason,
            before={"refunded_amount": before}, after={"refunded_amount": deposit.refunded_amount},
        )  # fmt: skip
        outbox.publish(
            "deposit.refunded", key=f"{deposit.pk}:{deposit.refunded_amount}", payload={"deposit_id": str(deposit.pk)}
        )

    def refund_failed(self, payment: Payment, refund: PaymentRefund) -> None:
        """What was set aside for it comes back, but for what went back another way."""
        _settle(_locked(payment), payment)

    def disputed(self, payment: Payment, dispute: Dispute) -> None:
        """A lost one is followed by `refunded`."""


def _locked(payment: Payment) -> Deposit:
    return Deposit.objects.select_for_update(no_key=True).get(pk=payment.subject_id)


def _give_up(deposit: Deposit, reason: str) -> bool:
    """PENDING -> CANCELLED; False, unchanged, in any other state. Whoever pays it now is given the money back."""
    if deposit.status != Status.PENDING:
        return False
    deposit.advance(to=Status.CANCELLED)
    deposit.save(update_fields=["status"])
    audit.record(actor=audit.SYSTEM, action="deposit.cancelled", target=deposit, reason=reason)
    return True


def _settle(deposit: Deposit, payment: Payment, *, into_debt: bool = True) -> None:
    """Have as much taken out of the wallet as went back or is on its way back. Both rows are locked.

    What Stripe gave back by itself may have been spent already: then it is owed.
    """
    more = min(deposit.refunded_amount + payments.underway(payment), deposit.amount) - deposit.taken
    user, currency, ref = deposit.user_id, deposit.currency, str(deposit.pk)
    if more > 0:
        take_deposit(user_id=user, amount=more, currency=currency, ref_id=ref, into_debt=into_debt)
    elif more < 0:
        return_deposit(user_id=user, amount=-more, currency=currency, ref_id=ref)
    if more:
        deposit.taken += more
        deposit.save(update_fields=["taken"])


@transaction.atomic
def ask_deposit_refund(
    *, deposit: Deposit, external_id: str, amount: int | None = None, reason: str = "", actor: audit.Actor
) -> tuple[PaymentRefund, bool]:
    """Ask for a deposit back, in part or all that is left of it: taken out of funds now, given back at Stripe, then `refunded`.

    Raises Conflict (invalid_state; insufficient_balance: it was spent; external_id_conflict), Invalid refund_exceeds_deposit,
    Denied own_deposit.
    """
    if deposit.status in (Status.PENDING, Status.CANCELLED):
        raise Conflict("invalid_state", f"This deposit is {deposit.status.replace('_', ' ')}.")
    payment = payment_of(deposit, lock=True)
    refund, is_new = payments.request_refund(
        payment=payment, external_id=external_id, amount=amount, reason=reason, actor=actor
    )
    if is_new:
        _settle(_locked(payment), payment, into_debt=False)
    return refund, is_new
