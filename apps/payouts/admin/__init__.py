"""Screens of the back office."""

from apps.payouts.admin import batches, payouts  # noqa: F401 - they register themselves
