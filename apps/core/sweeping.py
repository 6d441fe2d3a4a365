"""What sweeps share: the sites where something is due, and asking about one thing after the other."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

logger = logging.getLogger(__name__)

GIVE_UP = 3
"""So many without an answer, one after the other, and the rest waits for the next sweep: each costs a time-out."""


def each_site_of(function: str, task: Any) -> int:
    """Queue `task` for each site that a definer function names; a sweep stands in none. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT site_id FROM {function}()")  # noqa: S608 - a name of ours
        sites = [str(row[0]) for row in cursor.fetchall()]
    for site_id in sites:
        task.delay(site_id)
    return len(sites)


def one_by_one(
    ids: Iterable[Any], ask: Callable[[Any], int | bool], *, unanswered: type[Exception], what: str
) -> tuple[int, bool]:
    """(how many were at least asked about, did somebody answer to the end?). `what` names a thing in the log. One that breaks by
    itself is logged as an error and must not keep the others from their turn.
    """
    done = silent = 0
    for pk in ids:
        try:
            done += ask(pk)
            silent = 0
        except unanswered as error:
            silent += 1
            logger.warning("unanswered", extra={what: str(pk), "why": str(error)})
            if silent == GIVE_UP:
                return done, False
        except Exception:
            logger.exception("broken", extra={what: str(pk)})
    return done, True
