"""Who did what, for staff (H12): the audit of the site, and of all sites for holders of a platform role."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from apps.audit import words
from apps.audit.models import AuditEvent
from apps.core.api.filters import DayRangeFilter, day_after, midnight
from apps.core.api.views import ListView
from apps.core.ids import uuid7_at
from apps.rbac.access import requires


class AuditFilter(DayRangeFilter):
    """Each is a range of an index that ends in the id; days are a range of ids, which begin with their time."""

    actor = django_filters.CharFilter(field_name="actor_name")
    actor_id = django_filters.UUIDFilter()
    kind = django_filters.ChoiceFilter(
        field_name="actor_kind", choices=[("user", "A person"), ("api_key", "An API key"), ("system", "The system")]
    )
    about = django_filters.ChoiceFilter(method="with_noun", choices=words.nouns)
    action = django_filters.CharFilter()
    target_type = django_filters.CharFilter()
    target_id = django_filters.CharFilter()
    ip = django_filters.CharFilter()
    request_id = django_filters.CharFilter()

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def with_noun(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(action__gte=f"{value}.", action__lt=f"{value}/")

    def since(self, queryset: Any, name: str, value: Any) -> Any:
        return queryset.filter(pk__gte=uuid7_at(midnight(value)))

    def until(self, queryset: Any, name: str, value: Any) -> Any:
        return queryset.filter(pk__lt=uuid7_at(day_after(value)))


class AuditRow(serializers.ModelSerializer[AuditEvent]):
    """`said` is the action in words."""

    said = serializers.SerializerMethodField()

    class Meta:
        model = AuditEvent
        fields = (
            "id", "created_at", "actor_kind", "actor_id", "actor_name", "action", "said", "target_type", "target_id",
            "target_name", "before", "after", "reason", "ip", "request_id",
        )  # fmt: skip
        read_only_fields = fields

    def get_said(self, event: AuditEvent) -> str:
        return words.said(event.action)


class AuditView(ListView):
    """Newest first."""

    access = {"GET": requires("user.read", "permission.read")}
    serializer_class = AuditRow
    filterset_class = AuditFilter
    by_site = False

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.all()
