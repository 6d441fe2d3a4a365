"""How the whole site is doing (T7)."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Sum

from apps.accounts.models import Membership
from apps.commissions.models import Commission
from apps.orders.models import Order
from apps.payouts.models import Payout
from apps.referrals.models import Click, Partner
from apps.sites.selectors import current_site


def site_stats() -> dict[str, Any]:
    """System-wide figures of the present site (T7)."""
    statuses = dict(Partner.objects.people().order_by().values_list("status").annotate(n=Count("pk")))
    commissions = Commission.objects.order_by().values("status").annotate(count=Count("pk"), total=Sum("amount"))
    payouts = Payout.objects.order_by().values("status").annotate(count=Count("pk"), total=Sum("amount"))
    orders = Order.objects.filter(paid_at__isnull=False).aggregate(
        count=Count("pk"), total=Sum("amount"), refunded=Sum("refunded_amount")
    )
    return {
        "currency": current_site().currency,
        "users": Membership.objects.count(),
        "partners": {
            "total": sum(statuses.values()),
            **{status: statuses.get(status, 0) for status in Partner.Status.values},
        },
        "max_depth": max(
            (Partner.objects.people().order_by("-depth").values_list("depth", flat=True).first() or 1) - 1, 0
        ),
        "orders": {
            "count": orders["count"],
            "amount": int(orders["total"] or 0),
            "refunded": int(orders["refunded"] or 0),
        },
        "commissions": _by_status(commissions, Commission.Status.values),
        "payouts": _by_status(payouts, Payout.Status.values),
        "clicks": Click.objects.count(),
    }


def _by_status(rows: Any, statuses: Sequence[str]) -> dict[str, dict[str, int]]:
    found = {row["status"]: row for row in rows}
    empty = {"count": 0, "total": 0}
    return {
        status: {"count": found.get(status, empty)["count"], "amount": int(found.get(status, empty)["total"])}
        for status in statuses
    }
