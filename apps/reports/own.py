"""Reports that members have made of what lies above activities: what they earned and bought (apps.activities.reports)."""

from apps.accounts.models import User
from apps.activities.reports import OwnReport
from apps.commissions.models import Commission
from apps.core.exports import money_cell
from apps.orders.models import Order


def commissions(user: User) -> OwnReport:
    return OwnReport(
        title="Commissions",
        columns=("date", "level", "category", "base", "amount", "currency", "status", "hold_until", "order"),
        rows=Commission.objects.filter(user_id=user.pk),
        cells=lambda row: (
            row.created_at, row.level, row.category, money_cell(row.base_amount, row.currency),
            money_cell(row.amount, row.currency), row.currency, row.status, row.hold_until, row.order_id,
        ),
    )  # fmt: skip


def orders(user: User) -> OwnReport:
    return OwnReport(
        title="Orders",
        columns=("date", "order", "status", "amount", "refunded", "currency", "paid_at"),
        rows=Order.objects.filter(customer__user_id=user.pk),
        cells=lambda row: (
            row.created_at, row.pk, row.status, money_cell(row.amount, row.currency),
            money_cell(row.refunded_amount, row.currency), row.currency, row.paid_at,
        ),
    )  # fmt: skip
