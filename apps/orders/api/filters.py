import django_filters

from apps.core.api.filters import DayRangeFilter
from apps.orders.models import Order, Service


class OrderFilter(DayRangeFilter):
    """Days are those of `created_at`."""

    status = django_filters.ChoiceFilter(choices=Order.Status.choices)
    source = django_filters.ChoiceFilter(choices=Order.Source.choices)
    external_id = django_filters.CharFilter(max_length=128)
    user = django_filters.UUIDFilter(field_name="customer__user_id")

    class Meta:
        model = Order
        fields: list[str] = []


class ServiceFilter(DayRangeFilter):
    """Days are those of `started_at`."""

    day_field = "started_at"

    status = django_filters.ChoiceFilter(choices=Service.Status.choices)
    category = django_filters.CharFilter(max_length=64)
    user = django_filters.UUIDFilter(field_name="customer__user_id")

    class Meta:
        model = Service
        fields: list[str] = []
