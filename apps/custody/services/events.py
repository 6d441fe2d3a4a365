"""What the custodian's events do. They come late, twice, in any order, and some are not for us: states only move forward."""

from collections.abc import Sequence
from typing import Any

from apps.core import inbox
from apps.core.inbox import Ignored
from apps.core.models import InboxEvent, OutboxEvent
from apps.custody.gateways import Unknown
from apps.custody.gateways.fireblocks import reported
from apps.custody.models import CustodyAccount
from apps.custody.senders import senders

KINDS = (
    "transaction.created", "transaction.status.updated", "transaction.approval_status.updated",
    "TRANSACTION_CREATED", "TRANSACTION_STATUS_UPDATED", "TRANSACTION_APPROVAL_STATUS_UPDATED",
)  # fmt: skip


def handle_events(events: Sequence[OutboxEvent]) -> None:
    """Consumes `inbox.fireblocks` {inbox_id}."""
    inbox.work_off(events, _handle)


def _handle(row: InboxEvent) -> None:
    if row.kind not in KINDS:
        raise Ignored("nothing follows from this kind of event")
    if workspace_of(row.payload) != CustodyAccount.objects.get().workspace_id:
        raise Ignored("another workspace's")
    data = row.payload.get("data")
    try:
        told = reported(data if isinstance(data, dict) else {})
    except Unknown as error:
        raise Ignored(str(error)) from error
    for apply in senders():
        why = apply(told)
        if why is None:
            continue
        if why:
            # Not raised: a difference stays written on the transfer.
            row.status, row.note = InboxEvent.Status.IGNORED, why[:200]
        return
    raise Ignored("no transfer of ours")


def workspace_of(event: dict[str, Any]) -> str:
    """The present protocol says workspaceId, the old one tenantId."""
    found = event.get("workspaceId") or event.get("tenantId")
    return found if isinstance(found, str) else ""
