"""Having a worker look now, rather than at the next sweep. What is waiting stands in the database: a wake-up may get lost."""

import logging
import time
from functools import partial

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)

# After a wake-up that failed, this process leaves the waking to the sweep for as long as that takes anyway.
SILENCE_SECONDS = 5.0
_silent_until = 0.0


def after_commit(task: str, *args: str, countdown: float | None = None) -> None:
    """Once this transaction is committed, `countdown` seconds later. `task` is a dotted path: it stands above who wakes it."""
    transaction.on_commit(partial(wake, task, *args, countdown=countdown), robust=True)


def wake(task: str, *args: str, countdown: float | None = None) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        current_app.send_task(task, args=list(args), countdown=countdown, retry=False)
    except Exception:
        # The row is committed; the sweep will find it. A dead broker must not fail the request that is already done, nor may one
        # that is merely silent make each of the next ones wait.
        _silent_until = time.monotonic() + SILENCE_SECONDS
        logger.warning("wake_failed", extra={"task": task}, exc_info=True)
