"""Moments that people choose."""

from datetime import UTC, date, datetime, time

from django.utils import timezone

from apps.core.errors import Invalid

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""No plan reaches further. The last day of 9999, written west of Greenwich, is stored and can never be read again."""


def read_moment(written: str, *, name: str) -> datetime | date:
    """`2026-01-31T18:00:00Z`, with an offset or without, or a plain date. Raises Invalid naming the parameter: neither, or
    a time that no plan reaches."""
    try:
        if len(written) == len("2026-01-31"):
            day = date.fromisoformat(written)
            found: datetime | date = day
            at = datetime.combine(day, time.min, tzinfo=UTC)
        else:
            found = datetime.fromisoformat(written.replace(" ", "+"))  # a + that was not escaped arrives as a space
            at = found if found.tzinfo else found.replace(tzinfo=UTC)
        if not EARLIEST <= at <= LATEST:
            raise ValueError(written)
    except ValueError as error:
        raise Invalid("invalid", f"{name} is a moment such as 2026-01-31T18:00:00Z.", field=name) from error
    return found


def past_moment(written: str, *, name: str) -> datetime:
    """`2026-01-31T18:00:00Z`, or a plain date, which is its end in UTC as in filters, today's being now.

    Raises Invalid naming the parameter: no moment, without an offset, to come, or before 2000.
    """
    now = timezone.now()
    found = read_moment(written, name=name)
    if not isinstance(found, datetime):
        moment = now if found == now.date() else datetime.combine(found, time.max, tzinfo=UTC)
    elif found.tzinfo is None:
        raise Invalid("invalid", f"{name} needs an offset: 2026-01-31T18:00:00Z.", field=name)
    else:
        moment = found
    if not EARLIEST <= moment <= now:
        raise Invalid("invalid", f"{name} lies between the year 2000 and now.", field=name)
    return moment
