"""Identifiers. UUIDv7 sorts by time, so an index on it grows at one end and a page of a list is a range."""

import os
import threading
import time
import uuid
from datetime import UTC, datetime

_lock = threading.Lock()
_last = 0  # the 60 bits of milliseconds and counter that were given out last


def uuid7() -> uuid.UUID:
    """RFC 9562 version 7: milliseconds, then a counter within them (method 1), then 62 random bits.

    Ids of one process are in the order of their making, so "oldest first" holds inside a batch too. Made here since PostgreSQL
    before 18 cannot.
    """
    global _last
    with _lock:
        now = (time.time_ns() // 1_000_000) << 12
        _last = max(now, _last + 1)
        stamp = _last
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0x2 << 62
    return uuid.UUID(int=value | int.from_bytes(os.urandom(8), "big") >> 2)


def uuid7_at(moment: datetime) -> uuid.UUID:
    """The smallest id of a moment: what is asked by day is a range of ids, which every index that ends in the id serves."""
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000)
    return uuid.UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def read_uuid(text: object) -> uuid.UUID | None:
    """What somebody typed or an outside service sent back, as an id; None where it is none."""
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
