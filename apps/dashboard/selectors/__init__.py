"""What pages ask for. Each function has a fixed number of queries, however many rows there are."""

from apps.dashboard.selectors.joining import Inviter, invited_by_click, inviter

__all__ = ["Inviter", "invited_by_click", "inviter"]
