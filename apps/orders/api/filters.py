import django_filters

from apps.core.api.filters import DayRangeFilter
from apps.orders.models import Order


class OrderFilter(DayRangeFilter):
    """Days are those of `created_at`."""

    status = django_filters.ChoiceFilter(choices=Order.Status.choices)
    external_id = django_filters.CharFilter(max_length=128)
    user = django_filters.UUIDFilter(field_name="customer__user_id")

    class Meta:
        model = Order
        fields: list[str] = []
