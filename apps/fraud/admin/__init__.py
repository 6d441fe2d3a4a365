"""Fraud in the back office: reviews and what they rest on, freezes and what they touched."""

from apps.fraud.admin import freezes, reviews, signals

__all__ = ["freezes", "reviews", "signals"]
