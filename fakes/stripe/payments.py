"""PaymentIntents, charges, refunds and disputes: what may follow what, and which events tell of it.

Each function runs inside a transaction of the store; amounts are minor units.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fakes.stripe import errors
from fakes.stripe.params import amount_of, currency_of, known, metadata_of
from fakes.stripe.store import Account, Body, Store

# Stripe's test payment methods (https://docs.stripe.com/testing) and what each does.
DECLINED = {"pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"}
SLOW = {"pm_usBankAccount", "pm_sepa_debit"}
DISPUTED = {"pm_card_createDispute"}
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
INTENT_PARAMS = {
    "amount", "currency", "metadata", "description", "automatic_payment_methods", "payment_method_types", "payment_method",
    "confirm", "capture_method", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "customer", "expand",
    "return_url", "setup_future_usage",
}  # fmt: skip
REFUND_PARAMS = {"charge", "payment_intent", "amount", "reason", "metadata", "expand"}
MAX_AMOUNT = 99_999_999


@dataclass
class Payments:
    """The objects of one account."""

    store: Store
    account: Account
    tell: Callable[..., None]  # (account, type, object)
    slow_refunds: bool = False
    url: str = ""  # where the fake's own pages are

    # --- intents ---
    def create_intent(self, params: Mapping[str, Any]) -> Body:
        known(params, INTENT_PARAMS)
        pk = self.store.new_id("pi")
        intent: Body = {
            "id": pk, "object": "payment_intent", "amount": amount_of(params, most=MAX_AMOUNT), "amount_capturable": 0,
            "amount_received": 0, "automatic_payment_methods": params.get("automatic_payment_methods"), "canceled_at": None,
            "cancellation_reason": None, "capture_method": "automatic", "client_secret": f"{pk}_{self.store.new_id('secret')}",
            "confirmation_method": "automatic", "created": int(time.time()), "currency": currency_of(params), "customer": None,
            "description": params.get("description"), "last_payment_error": None, "latest_charge": None, "livemode": False,
            "metadata": metadata_of(params), "next_action": None, "payment_method": params.get("payment_method"),
            "payment_method_types": ["card"], "receipt_email": params.get("receipt_email"),
            "status": "requires_confirmation" if params.get("payment_method") else "requires_payment_method",
        }  # fmt: skip
        self._save(intent)
        self._tell("payment_intent.created", intent)
        return self.confirm(pk, {}) if params.get("confirm") == "true" else intent

    def intent(self, pk: str) -> Body:
        found = self.store.find(self.account.id, "payment_intent", pk)
        if found is None:
            raise errors.missing("payment_intent", pk)
        return found

    def confirm(self, pk: str, params: Mapping[str, Any]) -> Body:
        intent = self.intent(pk)
        if intent["status"] not in OPEN:
            raise errors.unexpected_state(intent, "confirm")
        method = params.get("payment_method") or intent["payment_method"]
        if not method:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise errors.Refusal(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
        intent["payment_method"], intent["last_payment_error"] = method, None
        if method in DECLINED:
            return self._decline(intent)
        if method in SLOW:
            intent["status"] = "processing"
            self._save(intent)
            self._tell("payment_intent.processing", intent)
            return intent
        return self._succeed(intent, disputed=method in DISPUTED)

    def settle(self, pk: str, *, succeeded: bool) -> Body:
        """The bank's answer for an intent that is `processing`."""
        intent = self.intent(pk)
        if intent["status"] != "processing":
            raise errors.unexpected_state(intent, "settle")
        if succeeded:
            return self._succeed(intent)
        try:
            return self._decline(intent)
        except errors.Refusal:
            return self.intent(pk)

    def cancel(self, pk: str, params: Mapping[str, Any]) -> Body:
        intent = self.intent(pk)
        if intent["status"] not in OPEN:
            raise errors.unexpected_state(intent, "cancel")
        intent["status"], intent["canceled_at"] = "canceled", int(time.time())
        intent["cancellation_reason"] = params.get("cancellation_reason")
        self._save(intent)
        self._tell("payment_intent.canceled", intent)
        return intent

    def _succeed(self, intent: Body, *, disputed: bool = False) -> Body:
        charge = self._charge(intent, paid=True)
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        self._save(intent)
        self._tell("charge.succeeded", charge)
        self._tell("payment_intent.succeeded", intent)
        if disputed:
            self.open_dispute({"charge": charge["id"]})
        return intent

    def _decline(self, intent: Body) -> Body:
        """Always raises: Stripe answers 402, and the intent waits for another try."""
        charge = self._charge(intent, paid=False)
        error = {
            "type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "charge": charge["id"],
            "message": "Your card was declined.",
        }  # fmt: skip
        intent |= {
            "status": "requires_payment_method", "latest_charge": charge["id"], "payment_method": None,
            "last_payment_error": error,
        }  # fmt: skip
        self._save(intent)
        self._tell("charge.failed", charge)
        self._tell("payment_intent.payment_failed", intent)
        more = {name: value for name, value in error.items() if name not in {"type", "message"}}
        raise errors.Refusal(
            402, "Your card was declined.", kind="card_error", keep=True, payment_intent=intent, **more
        )

    # --- charges ---
    def charge(self, pk: str) -> Body:
        found = self.store.find(self.account.id, "charge", pk)
        if found is None:
            raise errors.missing("charge", pk)
        return found

    def _charge(self, intent: Body, *, paid: bool) -> Body:
        charge: Body = {
            "id": self.store.new_id("ch"), "object": "charge", "amount": intent["amount"],
            "amount_captured": intent["amount"] if paid else 0, "amount_refunded": 0,
            "balance_transaction": self.store.new_id("txn") if paid else None, "captured": paid, "created": int(time.time()),
            "currency": intent["currency"], "description": intent["description"], "disputed": False,
            "failure_code": None if paid else "card_declined",
            "failure_message": None if paid else "Your card was declined.", "livemode": False,
            "metadata": intent["metadata"], "paid": paid, "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "payment_method_details": {"type": "card", "card": _card(self.account.id, intent)},
            "refunded": False, "status": "succeeded" if paid else "failed",
        }  # fmt: skip
        self.store.save(self.account.id, charge, parent=intent["id"])
        return charge

    def _charge_of(self, params: Mapping[str, Any]) -> Body:
        """Of `charge`, or the paid one of `payment_intent`."""
        if params.get("charge"):
            return self.charge(params["charge"])
        if not params.get("payment_intent"):
            raise errors.invalid("One of charge or payment_intent is needed.", "charge", "parameter_missing")
        intent = self.intent(params["payment_intent"])
        if intent["status"] != "succeeded":
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise errors.Refusal(400, message, param="payment_intent")
        return self.charge(intent["latest_charge"])

    # --- refunds ---
    def create_refund(self, params: Mapping[str, Any]) -> Body:
        known(params, REFUND_PARAMS)
        charge = self._charge_of(params)
        rest = charge["amount"] - charge["amount_refunded"]
        if charge["disputed"]:
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise errors.Refusal(400, message, code="charge_disputed")
        if not rest:
            message = f"Charge {charge['id']} has already been refunded."
            raise errors.Refusal(400, message, code="charge_already_refunded")
        amount = amount_of(params, most=MAX_AMOUNT) if "amount" in params else rest
        if amount > rest:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})"
            raise errors.Refusal(400, message, param="amount")
        if params.get("reason") and params["reason"] not in REASONS:
            raise errors.invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", "reason", "parameter_invalid")
        refund: Body = {
            "id": self.store.new_id("re"), "object": "refund", "amount": amount,
            "balance_transaction": self.store.new_id("txn"), "charge": charge["id"], "created": int(time.time()),
            "currency": charge["currency"], "metadata": metadata_of(params), "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"), "receipt_number": None, "status": "pending" if self.slow_refunds else "succeeded",
        }  # fmt: skip
        self.store.save(self.account.id, refund, parent=charge["id"])
        self._refunded(charge, amount)
        self._tell("refund.created", refund)
        self._tell("charge.refunded", charge)
        return refund

    def refund(self, pk: str) -> Body:
        found = self.store.find(self.account.id, "refund", pk)
        if found is None:
            raise errors.missing("refund", pk)
        return found

    def end_refund(self, pk: str, *, succeeded: bool) -> Body:
        """The bank's answer, later. A failed one gives the money back to the account."""
        refund = self.refund(pk)
        refund["status"] = "succeeded" if succeeded else "failed"
        if not succeeded:
            refund["failure_reason"] = "expired_or_canceled_card"
            self._refunded(self.charge(refund["charge"]), -refund["amount"])
        self.store.save(self.account.id, refund)
        self._tell("refund.updated", refund)
        self._tell("charge.refund.updated", refund)
        if not succeeded:
            self._tell("refund.failed", refund)
        return refund

    def _refunded(self, charge: Body, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.store.save(self.account.id, charge)

    # --- disputes ---
    def open_dispute(self, params: Mapping[str, Any]) -> Body:
        charge = self._charge_of(params)
        if charge["disputed"]:
            raise errors.Refusal(400, f"Charge {charge['id']} is disputed already.", code="charge_disputed")
        rest = charge["amount"] - charge["amount_refunded"]
        amount = amount_of(params, most=rest) if params.get("amount") else rest
        dispute: Body = {
            "id": self.store.new_id("du"), "object": "dispute", "amount": amount, "balance_transactions": [],
            "charge": charge["id"], "created": int(time.time()), "currency": charge["currency"],
            "evidence_details": {"due_by": int(time.time()) + 7 * 86400, "has_evidence": False, "submission_count": 0},
            "is_charge_refundable": False, "livemode": False, "metadata": {}, "payment_intent": charge["payment_intent"],
            "reason": params.get("reason") or "fraudulent", "status": "needs_response",
        }  # fmt: skip
        self.store.save(self.account.id, dispute, parent=charge["id"])
        charge["disputed"] = True
        self.store.save(self.account.id, charge)
        self._tell("charge.dispute.created", dispute)
        self._tell("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def dispute(self, pk: str) -> Body:
        found = self.store.find(self.account.id, "dispute", pk)
        if found is None:
            raise errors.missing("dispute", pk)
        return found

    def close_dispute(self, pk: str, status: str) -> Body:
        dispute = self.dispute(pk)
        if status not in {"won", "lost"}:
            raise errors.invalid("A dispute is won or lost.", "status", "parameter_invalid")
        if dispute["status"] in {"won", "lost"}:
            raise errors.Refusal(400, f"This dispute is already {dispute['status']}.")
        dispute["status"] = status
        self.store.save(self.account.id, dispute)
        self._tell("charge.dispute.closed", dispute)
        if status == "won":
            self._tell("charge.dispute.funds_reinstated", dispute)
        return dispute

    def _save(self, intent: Body) -> None:
        self.store.save(self.account.id, intent)

    def _tell(self, kind: str, body: Body) -> None:
        self.tell(self.account.id, kind, body)


def _card(account_id: str, intent: Body) -> Body:
    """Stripe's test methods stand for whatever card each payer has: another one for every payment. Any other method is one card,
    whoever pays with it."""
    method = str(intent["payment_method"])
    number = intent["id"] if method.startswith("pm_card_") else method
    return {
        "brand": "visa", "country": "US", "exp_month": 8, "exp_year": 2031, "funding": "credit", "last4": "4242",
        "fingerprint": hashlib.sha256(f"{account_id} {number}".encode()).hexdigest()[:16], "network": "visa",
    }  # fmt: skip
