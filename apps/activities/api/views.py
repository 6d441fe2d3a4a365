"""Activities (spec: api.md, Wallet, payouts, bonuses, activities)."""

from typing import Any
from uuid import UUID

import django_filters
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.activities import selectors, services
from apps.activities.api import serializers
from apps.activities.files import answer
from apps.activities.models import Activity, ActivityFile, Kind
from apps.core.api.filters import DayRangeFilter, day_of
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import Conflict, NotFound
from apps.rbac.access import SIGNED_IN
from apps.sites.calendar import PERIODS

RANGE = [
    OpenApiParameter(name, {"type": "string", "format": "date"}, description="A day of the site's calendar, included.")
    for name in ("from", "to")
]
PERIOD = OpenApiParameter("period", {"type": "string", "enum": sorted(PERIODS), "default": "day"})


class ActivityTypesView(ApiView):
    """What is offered, and what each costs."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.ActivityTypeRow
    pagination_class = None

    @extend_schema(responses=serializers.ActivityTypeRow(many=True))
    def get(self, request: Request) -> Response:
        rows = serializers.ActivityTypeRow(selectors.offered_types(), many=True).data
        return Response({"results": rows, "next": None, "previous": None})


class ActivityFormsView(ListView):
    """Forms that can be downloaded."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.FormRow

    def get_queryset(self) -> Any:
        return selectors.forms()


class ActivityFilter(DayRangeFilter):
    type = django_filters.ChoiceFilter(choices=Kind.choices)
    status = django_filters.ChoiceFilter(choices=Activity.Status.choices)
    user = django_filters.UUIDFilter(field_name="user_id")

    class Meta:
        model = Activity
        fields: list[str] = []


class ActivitiesView(ListView):
    """One's own; an enterprise's also those of its sub-users. POST charges and makes the file."""

    access = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    serializer_class = serializers.ActivityRow
    filterset_class = ActivityFilter
    exported = Exported(money=("cost",), parts={"user": ("id", "name")})

    def get_queryset(self) -> Any:
        return selectors.activities_of(person(self.request)).select_related("user")

    @extend_schema(request=serializers.ActivityRequest, responses={201: serializers.ActivityRow})
    def post(self, request: Request) -> Response:
        user = person(request)
        sent = serializers.ActivityRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        activity = services.run_activity(user=user, **sent.validated_data)
        return Response(self.get_serializer(activity).data, status=201)


class ActivityView(ApiView):
    access = {"GET": SIGNED_IN}
    serializer_class = serializers.ActivityRow

    def get(self, request: Request, pk: UUID) -> Response:
        return Response(self.get_serializer(find(request, pk)).data)


class ActivityFileView(ApiView):
    """The file; 202 with the progress while it is being made."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.Progress

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 202: serializers.Progress})
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        activity = find(request, pk)
        if activity.status == Activity.Status.RUNNING:
            return Response(self.get_serializer(activity).data, status=202, headers={"Retry-After": "2"})
        if activity.status == Activity.Status.FAILED:
            raise Conflict("activity_failed", "No file came of it, and the money is back.")
        kept = ActivityFile.objects.filter(activity=activity).first()
        if kept is None:
            raise NotFound("file_expired", "The file is kept no longer.")
        return answer(kept)


class ActivityStatsView(ApiView):
    """How many and what they cost, by day, month or year, by type and by user. Refunded ones don't count."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.Statistics
    query_fields = ("period", "from", "to")

    @extend_schema(responses=serializers.Statistics, parameters=[PERIOD, *RANGE])
    def get(self, request: Request) -> Response:
        asked = request.query_params
        found = selectors.statistics(
            selectors.activities_of(person(request)), period=asked.get("period", "day"),
            first=day_of(asked.get("from"), name="from"), last=day_of(asked.get("to"), name="to"),
        )  # fmt: skip
        return Response(self.get_serializer(found).data)


def find(request: Request, pk: UUID) -> Activity:
    """Raises NotFound for other people's as for none."""
    found = selectors.activities_of(person(request)).select_related("user").filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found
