"""Filters of the commission lists. Plain dates are UTC, both ends included (settled.md)."""

from datetime import UTC, datetime, time, timedelta

import django_filters
from django.db.models import QuerySet

from apps.commissions.engine import MAX_DEPTH
from apps.commissions.models import Commission


class CommissionFilter(django_filters.FilterSet):
    """By date means by when the order was paid, or the refund made."""

    status = django_filters.ChoiceFilter(choices=Commission.Status.choices)
    kind = django_filters.ChoiceFilter(choices=Commission.Kind.choices)
    level = django_filters.TypedChoiceFilter(choices=[(str(n), str(n)) for n in range(1, MAX_DEPTH + 1)], coerce=int)
    partner = django_filters.UUIDFilter(field_name="partner_id")
    order = django_filters.UUIDFilter(field_name="order_id")
    date_from = django_filters.DateFilter(method="since")
    date_to = django_filters.DateFilter(method="until")

    class Meta:
        model = Commission
        fields: list[str] = []

    def since(self, rows: QuerySet[Commission], name: str, day: datetime) -> QuerySet[Commission]:
        return rows.filter(earned_at__gte=datetime.combine(day, time.min, UTC))

    def until(self, rows: QuerySet[Commission], name: str, day: datetime) -> QuerySet[Commission]:
        return rows.filter(earned_at__lt=datetime.combine(day + timedelta(days=1), time.min, UTC))
