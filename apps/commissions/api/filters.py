"""Filters of the commission lists."""

import django_filters

from apps.commissions.engine import MAX_DEPTH
from apps.commissions.models import Commission
from apps.core.api.filters import DayRangeFilter


class CommissionFilter(DayRangeFilter):
    """By date means by when the order was paid, or the refund made (settled.md)."""

    day_field = "earned_at"

    status = django_filters.ChoiceFilter(choices=Commission.Status.choices)
    kind = django_filters.ChoiceFilter(choices=Commission.Kind.choices)
    level = django_filters.TypedChoiceFilter(choices=[(str(n), str(n)) for n in range(1, MAX_DEPTH + 1)], coerce=int)
    partner = django_filters.UUIDFilter(field_name="partner_id")
    order = django_filters.UUIDFilter(field_name="order_id")

    class Meta:
        model = Commission
        fields: list[str] = []
