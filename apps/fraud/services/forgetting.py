"""What tells who and with what is not kept for ever (`retention_days`). What was noticed, when and how heavy it was, stays."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.fraud.models import Freeze, Kind, Review, Signal, Trace
from apps.fraud.selectors import fraud_settings

BATCH = 1000


def forget() -> int:
    """Empty the personal parts of the present site's old signals, and drop old traces. Returns how many signals.

    What an open review or an active freeze rests on stays whole until that is over.
    """
    before = timezone.now() - timedelta(days=fraud_settings().retention_days)
    forgotten = 0
    while done := _forget_batch(before):
        forgotten += done
    Trace.objects.filter(last_seen__lt=before).delete()
    return forgotten


@transaction.atomic
def _forget_batch(before: datetime) -> int:
    needed = Q(review=None, partner__in=Review.objects.filter(status=Review.Status.OPEN).values("partner")) | Q(
        partner__in=Freeze.objects.filter(status=Freeze.Status.ACTIVE).values("partner")
    )
    due = Signal.objects.filter(expired_at=None, last_seen__lt=before).exclude(needed).order_by("last_seen")
    # What is being written just now is no longer old, or comes the next time.
    rows = list(due.select_for_update(of=("self",), no_key=True, skip_locked=True)[:BATCH])
    now = timezone.now()
    for row in rows:
        row.evidence_key, row.other, row.expired_at, row.words = "", None, now, Kind(row.kind).label
    Signal.objects.bulk_update(rows, ["evidence_key", "other", "expired_at", "words"])
    return len(rows)
