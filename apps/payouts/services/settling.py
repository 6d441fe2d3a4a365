"""How a payout ends, and how everybody hears of what becomes of it. The rows are locked by who calls."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.audit import services as audit
from apps.core import outbox
from apps.payouts.gateways import WALLET
from apps.payouts.models import Payout
from apps.wallet import services as wallet

Status = Payout.Status
TOPIC = "payout.changed"


def tell(payouts: Sequence[Payout], *, before: str) -> None:
    """Publish `payout.changed` {payout_id, before, status} of each."""
    outbox.publish_many(
        TOPIC,
        [
            (f"{row.pk}:{row.status}", {"payout_id": str(row.pk), "before": before, "status": row.status})
            for row in payouts
        ],
    )


def complete(payouts: Sequence[Payout], *, actor: audit.Actor) -> None:
    """PROCESSING → COMPLETED for each, with the `reference` it stands with. Its commissions become paid."""
    _end(payouts, Status.COMPLETED)
    for currency, holds in _holds(payouts, to_funds=False):
        wallet.settle_many(holds, currency)
    for currency, holds in _holds(payouts, to_funds=True):
        wallet.settle_many(holds, currency, to_funds=True)
    for row in payouts[:1] if len(payouts) == 1 else ():
        audit.record(actor=actor, action="payout.completed", target=row, after={"reference": row.reference})
    if len(payouts) > 1:
        audit.record_many(actor=actor, action="payout.completed", targets=list(payouts))
    tell(payouts, before=Status.PROCESSING)


def fail(payouts: Sequence[Payout], *, actor: audit.Actor) -> None:
    """PROCESSING → FAILED for each, with the `reason` it stands with; the money is available again."""
    _end(payouts, Status.FAILED)
    for to_funds in (False, True):
        for currency, holds in _holds(payouts, to_funds=to_funds):
            wallet.release_many(holds, currency)
    for row in payouts:
        audit.record(actor=actor, action="payout.failed", target=row, reason=row.reason)
    tell(payouts, before=Status.PROCESSING)


# As many as there are, in one statement: Django's bulk_update spells out a CASE for each.
_END = """
UPDATE payouts_payout p SET status = %(status)s, finished_at = %(now)s, reference = d.reference, reason = d.reason,
    provider_state = d.state
FROM unnest(%(ids)s::uuid[], %(references)s::text[], %(reasons)s::text[], %(states)s::text[]) AS d (id, reference, reason, state)
WHERE p.id = d.id
"""


def _end(payouts: Sequence[Payout], status: str) -> None:
    now = timezone.now()
    for row in payouts:
        row.advance(to=status)
        row.finished_at = now
    params: dict[str, Any] = {
        "status": str(status), "now": now, "ids": [row.pk for row in payouts],
        "references": [row.reference for row in payouts], "reasons": [row.reason for row in payouts],
        "states": [row.provider_state for row in payouts],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_END, params)


def _holds(payouts: Sequence[Payout], *, to_funds: bool) -> list[tuple[str, list[wallet.Hold]]]:
    rows = sorted(
        (row for row in payouts if (row.gateway == WALLET) == to_funds), key=lambda row: (row.currency, row.pk)
    )
    return [
        (currency, [wallet.Hold(row.user_id, row.hold_key, row.amount) for row in some])
        for currency, some in groupby(rows, key=lambda row: row.currency)
    ]
