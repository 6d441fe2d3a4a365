"""Who takes up a `Sending`, when it is taken up again, and what is written down of it. The calls are the apps' own."""

import logging
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from apps.core.models import Sending

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=Sending)

CLAIMED = timedelta(seconds=60)
"""How long one attempt keeps others away."""
ASK_AGAIN = (timedelta(seconds=30), timedelta(minutes=10))
"""One that is on its way is asked about after the first, then ever later, up to the second."""


def claim(rows: QuerySet[T], pk: UUID | str) -> T | None:
    """Take one of `rows` that is due, for a minute; one statement decides who has it. None: somebody else has, or it is over."""
    now = timezone.now()
    due = rows.filter(pk=pk, status__in=Sending.OPEN, next_at__lte=now)
    if not due.update(next_at=now + CLAIMED, tries=F("tries") + 1):
        return None
    return rows.get(pk=pk)


def ask_later(sending: Sending) -> None:
    """The later, the more often it was tried. Unsaved."""
    sending.next_at = timezone.now() + min(ASK_AGAIN[0] * 2 ** min(sending.tries, 10), ASK_AGAIN[1])


def note(sending: Sending, difference: str) -> None:
    """Keep what the service says otherwise, for a person to look at; in the log once."""
    if sending.difference != difference[:200]:
        sending.difference = difference[:200]
        event = f"{sending._meta.app_label}.difference"
        logger.error(event, extra={"transfer": str(sending.pk), "difference": sending.difference})
    keep(sending)


def keep(sending: Sending) -> None:
    """Save what may change of it."""
    sending.save(update_fields=sending.CHANGES)
