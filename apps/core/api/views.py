"""The base of every endpoint: permission, input, one service call, output."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import across
from apps.core.api.exporting import Exported, MakesFiles
from apps.core.errors import Invalid
from apps.core.tenancy import KnownSite, known_sites

__all__ = ["AlwaysJson", "Answered", "ApiView", "Exported", "ListView"]


class AlwaysJson(BaseContentNegotiation):
    """JSON whatever the Accept header says: a browser that asks for HTML is better served by JSON than by a 406."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class Answered(Exception):
    """The request has an answer already, kept under its Idempotency-Key."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class ApiView(GenericAPIView):
    """`access` declares who may, per method; a route without it fails a test and, at run time, every request.

    access = {"GET": requires("order.read", at="own"), "POST": requires("order.create")}

    Unknown query parameters are refused with 400: a filter with a typo would answer with everything.

    Under /api/v1/admin/ every GET takes `all_sites` (apps.core.api.across): then figures are one entry for each site, with the
    sums of what `across_counts` and, by currency, `across_amounts` name ("orders.count", "commissions.*.amount").
    """

    access: ClassVar[dict[str, Any]] = {}
    content_negotiation_class = AlwaysJson
    query_fields: ClassVar[tuple[str, ...]] = ()
    rate: tuple[int, int, int] | None = None
    across_counts: ClassVar[tuple[str, ...]] = ()
    across_amounts: ClassVar[tuple[str, ...]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known: Exception | None = getattr(request._request, "known_key", None)
        if known is not None:
            raise known
        self.check_query(request)
        if across.asked_for(request):
            across.enter(self, request)

    def handle_exception(self, exc: Exception) -> Any:
        return exc.response if isinstance(exc, Answered) else super().handle_exception(exc)

    def check_query(self, request: Request) -> None:
        allowed = set(self.query_fields)
        if request.method in ("GET", "HEAD"):
            filterset = getattr(self, "filterset_class", None)
            allowed |= set(filterset.base_filters) if filterset else set()
            allowed |= {"limit", "cursor", "format"} if self.pagination_class and self.queryset_is_list() else set()
            allowed |= {across.PARAMETER} if across.is_offered(request) else set()
        unknown = sorted(set(request.query_params) - allowed)
        if unknown:
            raise Invalid("invalid", f"Unknown parameter: {unknown[0]}.", field=unknown[0])

    def queryset_is_list(self) -> bool:
        return isinstance(self, ListView)

    def validated(self, request: Request, **context: Any) -> dict[str, Any]:
        """The request's body through `serializer_class`. Raises ValidationError."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        return data

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.rate:
            limit, remaining, reset = self.rate
            response["X-RateLimit-Limit"] = str(limit)
            response["X-RateLimit-Remaining"] = str(remaining)
            response["X-RateLimit-Reset"] = str(reset)
        return response


class ListView(MakesFiles, ApiView):
    """A filtered, paged GET. Give it `get_queryset`, `serializer_class` and, where it filters, `filterset_class`; `exported`
    says how its rows become columns of a file."""

    filterset_class: Any = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.file() if "format" in request.query_params else self.list(request)

    def list(self, request: Request) -> Response:
        if self.all_sites and self.by_site:
            return self.list_by_site(request)
        page = self.paginate_queryset(self.filtered()) or []
        return self.get_paginated_response(self.shown(page))

    def filtered(self) -> Any:
        """The rows that are asked for. Raises Invalid (a filter)."""
        queryset = self.get_queryset()
        if self.filterset_class is None:
            return queryset
        filterset = self.filterset_class(self.request.query_params, queryset=queryset, request=self.request)
        if not filterset.is_valid():
            field, messages = next(iter(filterset.errors.items()))
            raise Invalid("invalid", str(messages[0]), field=field)
        return filterset.qs

    def rows(self, page: Sequence[Any]) -> Sequence[Any]:
        """What the serializer shows of a page of the queryset."""
        return page

    def shown(self, page: Sequence[Any], site: KnownSite | None = None) -> Any:
        """The rows as the answer has them, with the site's code where they are of several."""
        data = self.get_serializer(self.rows(page), many=True).data
        if not self.all_sites:
            return data
        codes = {} if site else {known.id: known.code for known in known_sites()}
        return [
            {**row, "site": site.code if site else codes[item.site_id]} for row, item in zip(data, page, strict=True)
        ]
