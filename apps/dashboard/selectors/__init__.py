"""What pages ask for. Each function has a fixed number of queries, however many rows there are."""

from apps.dashboard.selectors.joining import Inviter, invited_by_click, inviter
from apps.dashboard.selectors.links import LinkTable, link_table
from apps.dashboard.selectors.payouts import (
    NextPayout,
    entries,
    entry_counts,
    in_steps,
    next_payout,
    paid_total,
    shares_of,
)
from apps.dashboard.selectors.team import Levels, TeamFilters, levels, person

__all__ = [
    "Inviter",
    "Levels",
    "LinkTable",
    "NextPayout",
    "TeamFilters",
    "entries",
    "entry_counts",
    "in_steps",
    "invited_by_click",
    "inviter",
    "levels",
    "link_table",
    "next_payout",
    "paid_total",
    "person",
    "shares_of",
]
