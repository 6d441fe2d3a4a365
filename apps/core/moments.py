"""Moments that people choose."""

from datetime import UTC, date, datetime, time

from django.utils import timezone

from apps.core.errors import Invalid

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""No plan reaches further. The last day of 9999, written west of Greenwich, is stored and can never be read again."""


def past_moment(written: str, *, name: str) -> datetime:
    """`2026-01-31T18:00:00Z`, or a plain date, which is its end in UTC as in filters, today's being now.

    Raises Invalid naming the parameter: no moment, without an offset, to come, or before 2000.
    """
    now = timezone.now()
    try:
        if len(written) == len("2026-01-31"):
            day = date.fromisoformat(written)
            moment = now if day == now.date() else datetime.combine(day, time.max, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(written.replace(" ", "+"))  # a + that was not escaped arrives as a space
    except ValueError as error:
        raise Invalid("invalid", f"{name} is a moment such as 2026-01-31T18:00:00Z.", field=name) from error
    if moment.tzinfo is None:
        raise Invalid("invalid", f"{name} needs an offset: 2026-01-31T18:00:00Z.", field=name)
    if not EARLIEST <= moment <= now:
        raise Invalid("invalid", f"{name} lies between the year 2000 and now.", field=name)
    return moment
