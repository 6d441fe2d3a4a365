"""Refusals of allocations and their batches."""

from collections.abc import Iterable

from apps.core.errors import Conflict, Denied


def not_ready(refused: Iterable[tuple[str, str]]) -> Conflict:
    """`refused` are (allocation id, code): invalid_state, account_missing, address_missing, address_rests,
    order_disputed, partner_frozen, nothing_to_send."""
    rows = [{"id": pk, "code": code} for pk, code in refused]
    message = f"{len(rows)} of them can't be sent now, so none was."
    return Conflict("invalid_state", message, refused=rows)


def differs() -> Conflict:
    return Conflict("invalid_state", "The custodian says otherwise than that it failed. Look at the difference first.")


def own_allocation() -> Denied:
    return Denied("own_allocation", "Somebody else has to send your own tokens.")
