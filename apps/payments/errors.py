"""What can be refused, in words."""

from apps.core.errors import Conflict, Denied, Unavailable

UNAVAILABLE = "payments_unavailable"


def payments_unavailable() -> Conflict:
    return Conflict(UNAVAILABLE, "This site takes no payments yet.")


def provider_unavailable() -> Unavailable:
    return Unavailable("payment_provider_unavailable", "Stripe doesn't answer. Nothing was charged; try again.")


REFUSED, REFUSED_CODE = "Stripe refused: ", "payment_provider_refused"


def provider_refused(message: str) -> Conflict:
    told = message.removeprefix(REFUSED)  # a refund's failure is kept as it was told
    return Conflict(REFUSED_CODE, f"{REFUSED}{told}"[:300])


def own(purpose: str) -> Denied:
    return Denied(f"own_{purpose}", f"Somebody else has to refund your own {purpose}.")
