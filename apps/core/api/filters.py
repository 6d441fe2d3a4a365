"""Filters that every list shares."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import django_filters


class DayRangeFilter(django_filters.FilterSet):
    """`date_from` and `date_to`: plain UTC dates, both ends included, on `day_field`.

    As a range of instants, which an index serves; a cast to date would not be.
    """

    day_field = "created_at"

    date_from = django_filters.DateFilter(method="since")
    date_to = django_filters.DateFilter(method="until")

    def since(self, queryset: Any, name: str, value: date) -> Any:
        return queryset.filter(**{f"{self.day_field}__gte": midnight(value)})

    def until(self, queryset: Any, name: str, value: date) -> Any:
        return queryset.filter(**{f"{self.day_field}__lt": day_after(value)})


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def day_after(day: date) -> datetime:
    """The first instant after a UTC day."""
    return midnight(day) + timedelta(days=1) if day < date.max else datetime.max.replace(tzinfo=UTC)
