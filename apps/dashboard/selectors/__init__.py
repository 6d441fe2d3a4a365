"""What pages ask for. Each function has a fixed number of queries, however many rows there are."""

from apps.dashboard.selectors.commissions import (
    CommissionFilters,
    Explained,
    explained,
    months_since,
    nothing_rows,
    own_commissions,
    own_outcomes,
    sale_rows,
)
from apps.dashboard.selectors.joining import Inviter, invited_by_click, inviter
from apps.dashboard.selectors.links import LinkTable, link_table
from apps.dashboard.selectors.overview import earned, earned_by_level, expected, money_of, this_period, traffic
from apps.dashboard.selectors.payouts import (
    NextPayout,
    entries,
    entry_counts,
    in_steps,
    next_payout,
    paid_total,
    shares_of,
)
from apps.dashboard.selectors.rates import RateCard, rate_card
from apps.dashboard.selectors.team import Levels, TeamFilters, levels, person, purchases_of, shape

__all__ = [
    "CommissionFilters",
    "Explained",
    "Inviter",
    "Levels",
    "LinkTable",
    "NextPayout",
    "RateCard",
    "TeamFilters",
    "earned",
    "earned_by_level",
    "entries",
    "entry_counts",
    "expected",
    "explained",
    "in_steps",
    "invited_by_click",
    "inviter",
    "levels",
    "link_table",
    "money_of",
    "months_since",
    "next_payout",
    "nothing_rows",
    "own_commissions",
    "own_outcomes",
    "paid_total",
    "person",
    "purchases_of",
    "rate_card",
    "sale_rows",
    "shape",
    "shares_of",
    "this_period",
    "traffic",
]
