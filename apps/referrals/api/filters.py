from typing import Any

import django_filters
from django.db.models import Q

from apps.core.api.filters import DayRangeFilter
from apps.referrals.models import Partner


class ReferralFilter(DayRangeFilter):
    """`search` finds part of a name, the start of a code, or a whole e-mail: parts of one would unmask it letter by letter."""

    day_field = "joined_at"

    status = django_filters.ChoiceFilter(choices=Partner.Status.choices)
    search = django_filters.CharFilter(method="by_text", max_length=120)

    class Meta:
        model = Partner
        fields: list[str] = []

    def by_text(self, queryset: Any, name: str, value: str) -> Any:
        text = value.strip()
        return queryset.filter(
            Q(user__full_name__icontains=text) | Q(code__startswith=text.upper()) | Q(user__email=text.lower())
        )
