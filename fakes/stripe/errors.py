"""Refusals in Stripe's words (https://docs.stripe.com/error-codes)."""

from typing import Any


class Refusal(Exception):
    """Becomes `{"error": {...}}` with `status`. `keep` says whether an Idempotency-Key keeps it: Stripe keeps none of a request
    that failed its checks."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", keep: bool = False, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.keep = status, keep
        self.body = {"error": {"type": kind, "message": message, **more}}


def missing(kind: str, pk: str) -> Refusal:
    return Refusal(404, f"No such {kind}: '{pk}'", code="resource_missing", param="id")


def invalid(message: str, param: str, code: str = "parameter_invalid_integer") -> Refusal:
    return Refusal(400, message, param=param, code=code)


def forbidden() -> Refusal:
    return Refusal(403, "The provided key does not have the required permissions for this endpoint on this account.")


def unexpected_state(intent: dict[str, Any], verb: str) -> Refusal:
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
        "Only a PaymentIntent with another status may be."
    )
    return Refusal(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
