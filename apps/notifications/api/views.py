"""What I am told, and how (W12)."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.views import ApiView, ListView
from apps.notifications import selectors, services
from apps.notifications.api import serializers
from apps.notifications.models import Kind, Notification
from apps.rbac.access import SIGNED_IN


class NotificationFilter(django_filters.FilterSet):
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")
    kind = django_filters.ChoiceFilter(choices=Kind.choices)

    class Meta:
        model = Notification
        fields: list[str] = []


class NotificationsView(ListView):
    """My inbox, newest first."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.NotificationRow
    filterset_class = NotificationFilter

    def get_queryset(self) -> QuerySet[Notification]:
        return selectors.inbox_of(person(self.request))


class ReadView(ApiView):
    """One of mine is read. Twice is once."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.NotificationRow

    @extend_schema(request=None, responses={200: serializers.NotificationRow})
    def post(self, request: Request, pk: UUID) -> Response:
        found = services.mark_read(user=person(request), pk=pk)
        return Response(serializers.NotificationRow(found, context={"request": request}).data)


class ReadAllView(ApiView):
    """All of mine are read."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.ReadAll

    @extend_schema(request=None, responses={200: serializers.ReadAll})
    def post(self, request: Request) -> Response:
        return Response({"read": services.mark_all_read(user=person(request))})


class PreferencesView(ApiView):
    """How I am told of each kind."""

    access = {"GET": SIGNED_IN, "PATCH": SIGNED_IN}
    serializer_class = serializers.PreferencesChange

    @extend_schema(responses=serializers.Preferences)
    def get(self, request: Request) -> Response:
        return Response(services.preferences_of(person(request)))

    @extend_schema(request=serializers.PreferencesChange, responses=serializers.Preferences)
    def patch(self, request: Request) -> Response:
        changes: Any = self.validated(request)
        return Response(services.set_preferences(user=person(request), changes=changes))
