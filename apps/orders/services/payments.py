"""What becomes of an order when something becomes of its payment (apps.payments.purposes)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit.services import SYSTEM, Actor
from apps.core.errors import Conflict
from apps.core.tenancy import site_context
from apps.orders.models import Order, OrderLine, Refund
from apps.orders.services.payers import partner_of_buyer, upline_when_paid
from apps.orders.services.placing import PURPOSE, give_up_order, open_payment_of
from apps.orders.services.refunding import refund_order, refuse_own
from apps.orders.services.settling import settle
from apps.payments import services as payments
from apps.payments.models import Dispute, Payment, PaymentRefund

LAPSED = "Not paid in time."


class OrderPayments:
    """The payment is locked before the order, here and wherever both are (ADR 0021)."""

    def paid(self, payment: Payment) -> bool:
        """PENDING, FAILED -> PAID, with the upline and the plan of this moment. False once the order was given up."""
        order = _locked(payment)
        if order.status not in Order.PAYABLE:
            return order.status != Order.Status.CANCELLED
        partner = partner_of_buyer(order.customer)
        order.advance(to=Order.Status.PAID)
        order.paid_at, order.recorded_at = payment.succeeded_at, timezone.now()
        order.upline = upline_when_paid(order.customer, partner)
        order.save(update_fields=["status", "paid_at", "recorded_at", "upline"])
        lines = list(OrderLine.objects.filter(order=order).order_by("id"))
        settle(order, lines, partner=partner, actor=SYSTEM, action="order.paid")
        return True

    def failed(self, payment: Payment) -> None:
        """PENDING -> FAILED: another try may pay it. A payment that was cancelled at Stripe gives the order up."""
        order = _locked(payment)
        if payment.status == Payment.Status.CANCELLED:
            give_up_order(order=order, actor=SYSTEM, reason="The payment was cancelled.")
        elif order.status == Order.Status.PENDING:
            order.advance(to=Order.Status.FAILED)
            order.save(update_fields=["status"])

    def refunded(self, payment: Payment, *, amount: int, external_id: str, reason: str) -> None:
        order = _locked(payment)
        if order.status in Order.REFUNDABLE:
            refund_order(order=order, external_id=external_id, amount=amount, reason=reason, actor=SYSTEM)

    def refund_failed(self, payment: Payment, refund: PaymentRefund) -> None:
        """Nothing followed from asking for it."""

    def disputed(self, payment: Payment, dispute: Dispute) -> None:
        """While a dispute is open, nothing of the order is approved."""
        order = _locked(payment)
        opened = payment.disputes.filter(status=Dispute.Status.OPEN).order_by("opened_at")
        since: datetime | None = opened.values_list("opened_at", flat=True).first()
        if order.disputed_at != since:
            order.disputed_at = since
            order.save(update_fields=["disputed_at"])


def _locked(payment: Payment) -> Order:
    orders = Order.objects.select_related("customer").select_for_update(no_key=True, of=("self",))
    return orders.get(pk=payment.subject_id)


@transaction.atomic
def cancel_order(*, order: Order, state: str, actor: Actor, reason: str) -> Order:
    """PENDING, FAILED -> CANCELLED after Stripe said in `state` what its payment is (payments.call_off).

    Raises Conflict invalid_state where it is paid, or being paid.
    """
    payment = open_payment_of(order)
    gone = payments.cancel_payment(payment_id=payment.pk, state=state)
    if not gone or not give_up_order(order=order, actor=actor, reason=reason):
        raise Conflict("invalid_state", "This order is paid, or being paid.")
    order.refresh_from_db()
    return order


@transaction.atomic
def drop_order(*, order: Order) -> None:
    """Stripe would not open a payment: nobody can pay this order, so it keeps no units until it would lapse.

    Nothing happens where Stripe has the payment, and where the order was given up meanwhile.
    """
    if payments.drop_payment(purpose=PURPOSE, subject_id=order.pk) is not None:
        give_up_order(order=order, actor=SYSTEM, reason="The payment could not be opened.")


def lapsed_orders(limit: int) -> list[UUID]:
    """Whose time to pay is over. In any order: those that Stripe keeps would else stand before the others for ever."""
    over = Order.objects.filter(status__in=Order.PAYABLE, expires_at__lte=timezone.now()).order_by("?")
    return list(over.values_list("pk", flat=True)[:limit])


def lapse_order(*, site_id: UUID | str, order_id: UUID) -> bool:
    """Give an unpaid order up, at Stripe first (payments.lapse_payment)."""
    with site_context(site_id):
        order = Order.objects.get(pk=order_id)

    def give_up(state: str) -> bool:
        try:
            cancel_order(order=order, state=state, actor=SYSTEM, reason=LAPSED)
        except Conflict:
            return False
        return True

    since = order.expires_at or order.created_at
    return payments.lapse_payment(
        site_id=site_id, purpose=PURPOSE, subject_id=order_id, since=since, give_up=give_up
    )  # fmt: skip


@transaction.atomic
def ask_refund(
    *, order: Order, external_id: str, amount: int | None = None, reason: str = "", actor: Actor
) -> tuple[PaymentRefund, bool]:
    """Ask for money of a checkout order back: it is made at Stripe first, then the order hears of it (`refunded`).

    Raises Conflict (invalid_state, external_id_conflict), Invalid (refund_exceeds_order), Denied (own_order).
    """
    refuse_own(order, actor)
    if order.status in Order.PAYABLE or order.status == Order.Status.CANCELLED:
        raise Conflict("invalid_state", f"This order is {order.status.replace('_', ' ')}.")
    return payments.request_refund(
        payment=open_payment_of(order), external_id=external_id, amount=amount, reason=reason, actor=actor
    )


def find_refund(*, order: Order, refund: PaymentRefund) -> Refund:
    """What became of it. Raises Conflict invalid_state when all of the order had gone back by another way meanwhile."""
    told = Refund.objects.select_related("order").filter(order=order, external_id=refund.external_id).first()
    if told is not None:
        return told  # also if the bank sent it back since: then it is owed, and sent again
    raise Conflict("invalid_state", "All of this order had gone back by another way, a dispute or a refund at Stripe.")
