"""Moments that people choose."""

from datetime import UTC, datetime

LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""No plan reaches further. The last day of 9999, written west of Greenwich, is stored and can never be read again."""
