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
    for currency, to_funds, holds in _holds(payouts):
        wallet.settle_many(holds, currency, to_funds=to_funds)
    if len(payouts) == 1:
        audit.record(
            actor=actor, action="payout.completed", target=payouts[0], after={"reference": payouts[0].reference}
        )
    elif payouts:
        audit.record_many(actor=actor, action="payout.completed", targets=list(payouts))
    tell(payouts, before=Status.PROCESSING)


def fail(payouts: Sequence[Payout], *, actor: audit.Actor) -> None:
    """PROCESSING → FAILED for each, with the `reason` it stands with; the money is available again."""
    _end(payouts, Status.FAILED)
    for currency, _, holds in _holds(payouts):
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


def _holds(payouts: Sequence[Payout]) -> list[tuple[str, bool, list[wallet.Hold]]]:
    """[(currency, do they go to funds?, holds)]: what the wallet moves at once."""

    def kind(row: Payout) -> tuple[bool, str]:
        return row.gateway == WALLET, row.currency

    rows = sorted(payouts, key=lambda row: (*kind(row), row.pk))
    return [
        (currency, to_funds, [wallet.Hold(row.user_id, row.hold_key, row.amount) for row in some])
        for (to_funds, currency), some in groupby(rows, key=kind)
    ]
