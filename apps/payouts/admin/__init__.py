"""Screens of the back office."""

from apps.payouts.admin import batches, comparing, payouts  # noqa: F401 - they register themselves
