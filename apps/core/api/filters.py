"""Filters that every list shares."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import django_filters

from apps.core.errors import Invalid


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


def day_of(written: str | None, *, name: str) -> date | None:
    """A day of a query parameter, or of a JSON body. Raises Invalid naming it."""
    if written is None:
        return None
    try:
        day = date.fromisoformat(written)
    except (ValueError, TypeError) as error:
        raise Invalid("invalid", f"{name} is a date such as 2026-01-31.", field=name) from error
    if not 2000 <= day.year <= 2199:
        raise Invalid("invalid", f"{name} is a year from 2000 to 2199.", field=name)
    return day
