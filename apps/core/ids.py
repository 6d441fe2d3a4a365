"""Identifiers. UUIDv7 sorts by time, so an index on it grows at one end and a page of a list is a range."""

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """RFC 9562 version 7: 48 bits of milliseconds, then 74 random bits. Made here since PostgreSQL < 18 cannot."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
