"""Staff analytics (spec: api.md, Staff analytics)."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Membership
from apps.core import exports
from apps.core.api.exporting import Exported
from apps.core.api.filters import day_of
from apps.core.api.views import ApiView, ListView
from apps.core.errors import Invalid
from apps.core.moments import past_moment
from apps.rbac.access import requires
from apps.reports import selectors, sheets
from apps.reports.api import serializers
from apps.sites.calendar import PERIODS, period_of
from apps.sites.selectors import current_site

STAFF = {"GET": requires("analytics.read")}
RANGE = [
    OpenApiParameter(name, {"type": "string", "format": "date"}, description="A day of the site's calendar, included.")
    for name in ("from", "to")
]
AT = OpenApiParameter(
    "at", {"type": "string", "format": "date-time"}, description="A past instant. Of a plain date (UTC), its end."
)
ENDS = {"first": "from", "last": "to"}
FORMAT = OpenApiParameter("format", {"type": "string", "enum": ["csv", "xlsx", "pdf"]}, description="As a file.")
PERIOD = OpenApiParameter("period", {"type": "string", "enum": sorted(PERIODS), "default": "day"})


def export_one(view: Any, request: Request, sheet: Callable[..., exports.Sheet]) -> Any:
    """Figures as a file. Raises Invalid: of all sites at once, or no such format."""
    if getattr(view, "all_sites", False):
        raise Invalid("invalid", "A file is of one site.", field="format")
    file_format = exports.read_format(request.query_params["format"])
    return exports.export(sheet(actor=request.user), file_format, actor=request.user)


def day_range(request: Request) -> dict[str, date | None]:
    """`?from=&to=` as `first` and `last`. Raises Invalid for what is no date."""
    return {name: day_of(request.query_params.get(written), name=written) for name, written in ENDS.items()}


class PeopleView(ApiView):
    """Users by type and standing, partners by status, and who joined in the last 30 days."""

    access = STAFF
    serializer_class = serializers.PeopleReport
    across_counts = ("total", "active", "by_type.*", "partners.*", "joined.*")

    @extend_schema(responses=serializers.PeopleReport)
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.people()).data)


class RevenueView(ApiView):
    """What orders brought in, what of it was given back, and what activities brought in, by day, month or year of the site."""

    access = STAFF
    serializer_class = serializers.RevenueReport
    across_counts = ("total.orders", "total.activities")
    across_amounts = ("total.amount", "total.refunded", "total.net", "total.activity_amount", "total.revenue")
    query_fields = ("period", "from", "to")

    @extend_schema(responses=serializers.RevenueReport, parameters=[PERIOD, *RANGE])
    def get(self, request: Request) -> Response:
        period = period_of(request.query_params.get("period", "day")).name
        found: Any = selectors.revenue(period=period, **day_range(request))
        return Response(self.get_serializer(found).data)


class ActsView(ApiView):
    """The activity monitor: what was done, by what and by whom, by default in the last 7 days."""

    access = STAFF
    serializer_class = serializers.ActsReport
    across_counts = ("total", "activities.total.count")
    across_amounts = ("activities.total.amount",)
    query_fields = ("from", "to")

    @extend_schema(responses=serializers.ActsReport, parameters=RANGE)
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.acts(**day_range(request))).data)


class LiabilityView(ApiView):
    """What the program owed at a past instant, beside what the ledger says (X9). Without `at`: now."""

    access = STAFF
    serializer_class = serializers.LiabilityReport
    across_counts = ("held_count",)
    across_amounts = ("held", "payable", "in_flight", "paid", "funds", "clawed_back", "ledger")
    query_fields = ("at", "format")

    @extend_schema(responses=serializers.LiabilityReport, parameters=[AT, FORMAT])
    def get(self, request: Request) -> Any:
        written = request.query_params.get("at")
        at = past_moment(written, name="at") if written is not None else timezone.now()
        if "format" in request.query_params:
            return export_one(self, request, partial(sheets.liability_sheet, at=at))
        rows = selectors.liability(at=at)
        own = next(row for row in rows if row.currency == current_site().currency)
        figures = {name: getattr(own, name) for name in map(str, serializers.LiabilityRow().fields)}
        return Response(self.get_serializer({**figures, "at": at, "currencies": rows}).data)


class EnterpriseFilter(django_filters.FilterSet):
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = Membership
        fields: list[str] = []


class EnterprisesView(ListView):
    """Enterprises with their sub-users and what all of them together have bought."""

    access = STAFF
    serializer_class = serializers.EnterpriseRow
    filterset_class = EnterpriseFilter
    exported = Exported(money=("amount", "refunded", "activity_amount"))

    def get_queryset(self) -> Any:
        return selectors.enterprises()
