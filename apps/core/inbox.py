"""The inbox: outside services tell us something once or ten times, in any order; we answer at once and work it off once.

# in the webhook's view, once the signature is checked
inbox.receive("stripe", event_id=event["id"], kind=event["type"], payload=event)

# in AppConfig.ready: the outbox hands the row on
outbox.subscribe("inbox.stripe", "payments", "apps.payments.services.handle_events")
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.core import outbox
from apps.core.models import InboxEvent, OutboxEvent


class Ignored(Exception):
    """Nothing may move by this event. Its text is for staff."""


@transaction.atomic
def receive(source: str, *, event_id: str, kind: str, payload: dict[str, Any]) -> bool:
    """Keep an event that is known to come from where it says. False if it was kept before."""
    row = InboxEvent(source=source, event_id=event_id, kind=kind[:64], payload=payload)
    InboxEvent.objects.bulk_create([row], ignore_conflicts=True)
    if not InboxEvent.objects.filter(pk=row.pk).exists():
        return False
    outbox.publish(f"inbox.{source}", key=str(row.pk), payload={"inbox_id": str(row.pk)})
    return True


def work_off(events: Sequence[OutboxEvent], handle: Callable[[InboxEvent], None]) -> None:
    """Hand each row that still waits to `handle`, locked. What it raises as Ignored is written down and no failure."""
    for event in events:
        row = InboxEvent.objects.select_for_update().get(pk=UUID(event.payload["inbox_id"]))
        if row.status != InboxEvent.Status.RECEIVED:
            continue
        row.status, row.handled_at = InboxEvent.Status.DONE, timezone.now()
        try:
            with transaction.atomic():
                handle(row)
        except Ignored as why:
            row.status, row.note = InboxEvent.Status.IGNORED, str(why)[:200]
        row.save(update_fields=["status", "note", "handled_at"])
