"""Read-only figures across apps."""

from apps.reports.selectors.analytics import Revenue, RevenueRow, acts, enterprises, people, revenue
from apps.reports.selectors.liability import Liability, liability
from apps.reports.selectors.partner import (
    Expected,
    affiliate_stats,
    bought_by_downline,
    dashboard,
    earnings_by_day,
    expected_payout,
    pending_commissions,
)
from apps.reports.selectors.site import site_stats

__all__ = [
    "Expected",
    "Liability",
    "Revenue",
    "RevenueRow",
    "acts",
    "affiliate_stats",
    "bought_by_downline",
    "dashboard",
    "earnings_by_day",
    "enterprises",
    "expected_payout",
    "liability",
    "pending_commissions",
    "people",
    "revenue",
    "site_stats",
]
