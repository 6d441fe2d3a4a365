"""What Stripe's events do (R4). They come late, twice, in any order, and some are not for us.

Nothing is fetched: every rule below gives the same result in whatever order its events arrive. A payment only moves forward,
refunded sums only grow, a closed dispute stays closed.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.audit import services as audit
from apps.core import crypto, inbox, outbox
from apps.core.inbox import Ignored
from apps.core.models import InboxEvent, OutboxEvent
from apps.payments import connect, purposes, transfers
from apps.payments.models import Dispute, Payment, PaymentRefund, StripeAccount
from apps.payments.services import refunding
from apps.sites.selectors import current_site

Status = Payment.Status
CONNECTED = ("account.updated", "capability.updated", "account.application.deauthorized")


class Noted(Exception):
    """Nothing moved by this event, but why is written on the row it is about."""


def handle_events(events: Sequence[OutboxEvent]) -> None:
    """Consumes `inbox.stripe` {inbox_id}."""
    inbox.work_off(events, _handle)


def _handle(row: InboxEvent) -> None:
    if row.kind in CONNECTED:
        _tell_connected(row.payload)
        return
    handler = _HANDLERS.get(row.kind)
    if handler is None:
        raise Ignored("nothing follows from this kind of event")
    event = row.payload
    account_id = _account_of(event)
    found = event.get("data", {}).get("object") if isinstance(event.get("data"), dict) else None
    if not isinstance(found, dict):
        raise Ignored("it has no object")
    try:
        handler(found, account_id)
    except Noted as why:  # what was written down about it stays
        row.status, row.note = InboxEvent.Status.IGNORED, str(why)[:200]


def _tell_connected(event: dict[str, Any]) -> None:
    """A connected account has news, `account` says which one. What it is we ask, since such events overtake each other."""
    account_id = event.get("account")
    if not isinstance(account_id, str) or not connect.tell(account_id):
        raise Ignored("nobody knows this connected account")


def _account_of(event: dict[str, Any]) -> str:
    """Which of the site's accounts it tells of: the door wrote down who signed it."""
    signed_by = event.get("signed_by")
    at: dict[str, Any] = {"account_id": signed_by} if signed_by else {"retired_at": None}
    account = StripeAccount.objects.get(**at)
    if event.get("account") not in (None, account.account_id):
        raise Ignored("another account's")
    if bool(event.get("livemode", account.livemode)) != account.livemode:
        raise Ignored("test and live don't mix")
    return account.account_id


def _refuse_foreign(payment: Payment, account_id: str) -> None:
    """An account says nothing of what was opened at another: whoever keeps a retired one has no say in what is paid now."""
    if payment.account_id not in ("", account_id):
        raise Ignored("opened at another account")


# --- finding ---------------------------------------------------------------------------------------------------------------


def _payment_of_intent(intent: dict[str, Any], account_id: str) -> Payment:
    """The locked payment of a PaymentIntent, known by its id; or by its metadata, where we crashed before we kept that."""
    metadata = _dict(intent, "metadata")
    if metadata.get("site", current_site().code) != current_site().code:
        raise Ignored("another site's")
    intent_id = _text(intent, "id")
    payment = Payment.objects.select_for_update().filter(provider_id=intent_id).first()
    if payment is None:
        payment = _adopt(intent_id, metadata)
    _refuse_foreign(payment, account_id)
    if intent.get("amount") != payment.amount or str(intent.get("currency", "")).upper() != payment.currency:
        raise Ignored("another amount than is owed")
    if payment.provider_id is None:
        payment.provider_id = intent_id
        payment.save(update_fields=["provider_id"])
    return payment


def _adopt(intent_id: str, metadata: dict[str, Any]) -> Payment:
    try:
        payment_id = UUID(str(metadata.get("payment_id", "")))
    except ValueError:
        raise Ignored("no payment of ours") from None
    payment = Payment.objects.select_for_update().filter(pk=payment_id, provider_id=None).first()
    if payment is None:
        raise Ignored("no payment of ours")
    return payment


def _payment_of(found: dict[str, Any], account_id: str) -> Payment:
    """The locked payment of a charge, refund or dispute."""
    intent_id = _text(found, "payment_intent")
    payment = Payment.objects.select_for_update().filter(provider_id=intent_id).first() if intent_id else None
    if payment is None and intent_id:
        metadata = _dict(found, "metadata")  # a charge has its intent's
        payment = _adopt(intent_id, metadata)
        if metadata.get("site") != current_site().code or found.get("amount") != payment.amount:
            raise Ignored("no payment of ours")
    if payment is None:
        raise Ignored("no payment of ours")
    _refuse_foreign(payment, account_id)
    if str(found.get("currency", payment.currency)).upper() != payment.currency:
        raise Ignored("another currency than was owed")
    if payment.provider_id is None:
        payment.provider_id = intent_id
        payment.save(update_fields=["provider_id"])
    return payment


# --- payments --------------------------------------------------------------------------------------------------------------


def _succeeded(intent: dict[str, Any], account_id: str) -> None:
    payment = _payment_of_intent(intent, account_id)
    if intent.get("amount_received", payment.amount) != payment.amount:
        raise Ignored("another amount than is owed was received")
    if not payment.advance(to=Status.SUCCEEDED):
        raise Ignored("known already")
    payment.succeeded_at, payment.failure = timezone.now(), ""
    payment.charge_id = _text(intent, "latest_charge") or payment.charge_id
    payment.save(update_fields=["status", "succeeded_at", "failure", "charge_id"])
    audit.record(actor=audit.SYSTEM, action="payment.succeeded", target=payment, after={"amount": payment.amount})
    if purposes.of(payment).paid(payment):
        refunding.pass_on(payment, external_id=f"stripe-{payment.provider_id}")  # a refund was faster
    else:
        refunding.request_refund(
            payment=payment,
            external_id="unwanted",
            amount=None,
            reason="Paid after it was called off",
            actor=audit.SYSTEM,
        )


def _failed(intent: dict[str, Any], account_id: str) -> None:
    payment = _payment_of_intent(intent, account_id)
    if payment.status not in (Status.CREATED, Status.OPEN):
        raise Ignored("it has been paid or called off since")
    error = _dict(intent, "last_payment_error")
    payment.advance(to=Status.OPEN)
    payment.failure = str(error.get("message") or error.get("code") or "The card was refused.")[:200]
    payment.save(update_fields=["status", "failure"])
    purposes.of(payment).failed(payment)


def _cancelled(intent: dict[str, Any], account_id: str) -> None:
    payment = _payment_of_intent(intent, account_id)
    if not payment.advance(to=Status.CANCELLED):
        raise Ignored("known already")
    payment.save(update_fields=["status"])
    purposes.of(payment).failed(payment)


def _charged(charge: dict[str, Any], account_id: str) -> None:
    """Says what it was paid with. Only a print of that is kept: it tells the same card or account from another one."""
    payment = _payment_of(charge, account_id)
    used = _dict(charge, "payment_method_details")
    fingerprint = _text(_dict(used, _text(used, "type")), "fingerprint")
    if not fingerprint:
        raise Ignored("it doesn't say what it was paid with")
    if payment.card_key:
        raise Ignored("known already")
    payment.card_key = crypto.site_print("card", fingerprint)
    payment.save(update_fields=["card_key"])
    outbox.publish("payment.card_known", key=str(payment.pk), payload={"payment_id": str(payment.pk)})


# --- refunds ---------------------------------------------------------------------------------------------------------------


def _charge_refunded(charge: dict[str, Any], account_id: str) -> None:
    """Says what went back in all. Before the payment is known to have succeeded it is kept, and passed on then."""
    payment = _payment_of(charge, account_id)
    total = charge.get("amount_refunded")
    if not isinstance(total, int) or isinstance(total, bool) or not 0 <= total <= payment.amount:
        raise Ignored("more than was paid")
    if total > payment.charge_refunded:
        payment.charge_refunded = total
        payment.save(update_fields=["charge_refunded"])
    refunding.pass_on(payment, external_id=f"{_text(charge, 'id')}-{total}")


def _refund_changed(found: dict[str, Any], account_id: str) -> None:
    payment = _payment_of(found, account_id)
    refund_id, amount, state = _text(found, "id"), found.get("amount"), _text(found, "status")
    if not refund_id or not isinstance(amount, int) or not 0 < amount <= payment.amount:
        raise Ignored("more than was paid")
    refund = _refund_row(payment, found, refund_id, amount)
    if state not in ("requires_action", ""):
        refunding.apply_state(refund, provider_id=refund_id, state=state, failure=_text(found, "failure_reason"))
    refunding.pass_on(payment, external_id=refund.external_id or refund_id, reason=refund.reason)


def _refund_row(payment: Payment, found: dict[str, Any], refund_id: str, amount: int) -> PaymentRefund:
    """The row of this refund: by Stripe's id, or by ours where we asked for it, or a new one."""
    known = PaymentRefund.objects.filter(payment=payment, provider_id=refund_id).first()
    if known is not None:
        return known
    try:
        asked = UUID(str(_dict(found, "metadata").get("refund_id", "")))
    except ValueError:
        asked = None
    if asked is not None:
        ours = PaymentRefund.objects.filter(pk=asked, payment=payment, provider_id=None, amount=amount).first()
        if ours is not None:
            return ours
    return PaymentRefund.objects.create(
        payment=payment, amount=amount, reason=_text(found, "reason")[:500] or "Refunded at Stripe",
        provider_id=refund_id,
    )  # fmt: skip


# --- disputes --------------------------------------------------------------------------------------------------------------


def _disputed(found: dict[str, Any], account_id: str) -> None:
    payment = _payment_of(found, account_id)
    dispute_id, amount, state = _text(found, "id"), found.get("amount"), _text(found, "status")
    if not dispute_id or not isinstance(amount, int) or not 0 < amount <= payment.amount:
        raise Ignored("more than was paid")
    if state.startswith("warning_"):
        raise Ignored("an inquiry, no dispute yet")
    dispute, is_new = Dispute.objects.get_or_create(
        provider_id=dispute_id, defaults={"payment": payment, "amount": amount, "reason": _text(found, "reason")[:64]}
    )
    closed = {"won": Dispute.Status.WON, "lost": Dispute.Status.LOST}.get(state)
    if closed is not None and dispute.status == Dispute.Status.OPEN:
        dispute.status, dispute.closed_at = closed, timezone.now()
        dispute.save(update_fields=["status", "closed_at"])
    elif not is_new:
        raise Ignored("known already")
    audit.record(actor=audit.SYSTEM, action=f"dispute.{dispute.get_status_display().lower()}", target=payment,
                 after={"amount": dispute.amount}, reason=dispute.reason)  # fmt: skip
    purposes.of(payment).disputed(payment, dispute)
    refunding.pass_on(payment, external_id=dispute_id, reason="Dispute lost")


# --- transfers to connected accounts ---------------------------------------------------------------------------------------


def _transfer_changed(found: dict[str, Any], account_id: str) -> None:
    """Of an app above, which registered itself (apps.payments.transfers)."""
    for take in transfers.takers():
        why = take(found, account_id)
        if why:
            raise Noted(why)
        if why is not None:
            return
    raise Ignored("no transfer of ours")


def _dict(found: dict[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _text(found: dict[str, Any], name: str) -> str:
    """An id, or the id of the object that stands in its place where it was expanded."""
    value = found.get(name)
    value = value.get("id") if isinstance(value, dict) else value
    return value[:128] if isinstance(value, str) else ""


_HANDLERS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "transfer.created": _transfer_changed,
    "transfer.updated": _transfer_changed,
    "transfer.reversed": _transfer_changed,
    "payment_intent.succeeded": _succeeded,
    "payment_intent.payment_failed": _failed,
    "payment_intent.canceled": _cancelled,
    "charge.succeeded": _charged,
    "charge.updated": _charged,
    "charge.refunded": _charge_refunded,
    "charge.refund.updated": _refund_changed,
    "refund.created": _refund_changed,
    "refund.updated": _refund_changed,
    "refund.failed": _refund_changed,
    "charge.dispute.created": _disputed,
    "charge.dispute.updated": _disputed,
    "charge.dispute.closed": _disputed,
    "charge.dispute.funds_withdrawn": _disputed,
    "charge.dispute.funds_reinstated": _disputed,
}
