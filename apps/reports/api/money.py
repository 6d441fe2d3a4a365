"""Statements and tax-year summaries: one's own, and for staff those of everybody."""

from functools import partial
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.accounts.models import User
from apps.core import exports
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.rbac.access import SIGNED_IN, requires
from apps.reports import periods, sheets, tax
from apps.reports.api import serializers
from apps.reports.api.analytics import FORMAT, export_one
from apps.reports.statements import statement

YEAR = OpenApiParameter("year", int, description="In which the site's tax year begins. Default: the present one.")
READ = {"GET": requires("payout.read")}


class StatementView(ApiView):
    """My wallet over some days as a file, in the site's own calendar: a `month`, `quarter`, `year`, or `from` and `to`."""

    access = {"GET": SIGNED_IN}
    query_fields = (*periods.FIELDS, "format")

    @extend_schema(
        parameters=[
            OpenApiParameter("month", str, description="2026-01"),
            OpenApiParameter("quarter", str, description="2026-Q1"),
            OpenApiParameter("year", str, description="2026"),
            OpenApiParameter("from", {"type": "string", "format": "date"}, description="The first day."),
            OpenApiParameter(
                "to", {"type": "string", "format": "date"}, description="The last, included. Default: today."
            ),
            FORMAT,
        ],
        responses={(200, "text/csv"): str},
    )
    def get(self, request: Request) -> Any:
        days = periods.read_days(request.query_params)
        file_format = exports.read_format(request.query_params.get("format", "csv"))
        return exports.export(statement(user=person(request), days=days), file_format, actor=request.user)


class TaxAnswers(ApiView):
    serializer_class = serializers.TaxSummary
    query_fields = ("year", "format")

    def answer(self, request: Request, user: User) -> Any:
        year = periods.read_tax_year(request.query_params.get("year"))
        if "format" in request.query_params:
            return export_one(self, request, partial(sheets.tax_sheet, user=user, year=year))
        return Response(self.get_serializer(tax.summary(user.pk, year)).data)


class OwnTaxView(TaxAnswers):
    """What I earned and was paid in a tax year, by month and in all."""

    access = {"GET": SIGNED_IN}

    @extend_schema(parameters=[YEAR, FORMAT], responses=serializers.TaxSummary)
    def get(self, request: Request) -> Any:
        return self.answer(request, person(request))


class TaxView(TaxAnswers):
    """The same of a member; the id is the user's."""

    access = READ

    @extend_schema(parameters=[YEAR, FORMAT], responses=serializers.TaxSummary)
    def get(self, request: Request, pk: UUID) -> Any:
        user = User.objects.members().filter(pk=pk).first()
        if user is None:
            raise NotFound()
        return self.answer(request, user)


class TaxListView(ListView):
    """Everybody whose earnings moved in a tax year, with its figures."""

    access = READ
    serializer_class = serializers.TaxRow
    query_fields = ("year",)
    exported = Exported(money=(*serializers.TAX_FIGURES, "opening", "closing"))

    @extend_schema(parameters=[YEAR])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        return tax.who_moved(self._year())

    def rows(self, page: Any) -> Any:
        told = tax.summaries([account.user_id for account in page], self._year())
        return [(account.user, told[account.user_id]) for account in page]

    def _year(self) -> periods.TaxYear:
        return periods.read_tax_year(self.request.query_params.get("year"))
