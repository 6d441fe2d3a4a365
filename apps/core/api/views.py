"""The base of every endpoint: permission, input, one service call, output."""

from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import Invalid


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
    """

    access: ClassVar[dict[str, Any]] = {}
    content_negotiation_class = AlwaysJson
    query_fields: ClassVar[tuple[str, ...]] = ()
    rate: tuple[int, int, int] | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known: Exception | None = getattr(request._request, "known_key", None)
        if known is not None:
            raise known
        self.check_query(request)

    def handle_exception(self, exc: Exception) -> Any:
        return exc.response if isinstance(exc, Answered) else super().handle_exception(exc)

    def check_query(self, request: Request) -> None:
        allowed = set(self.query_fields)
        if request.method in ("GET", "HEAD"):
            filterset = getattr(self, "filterset_class", None)
            allowed |= set(filterset.base_filters) if filterset else set()
            allowed |= {"limit", "cursor"} if self.pagination_class and self.queryset_is_list() else set()
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


class ListView(ApiView):
    """A filtered, paged GET. Give it `get_queryset`, `serializer_class` and, where it filters, `filterset_class`."""

    filterset_class: Any = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)

    def list(self, request: Request) -> Response:
        queryset = self.get_queryset()
        if self.filterset_class is not None:
            filterset = self.filterset_class(request.query_params, queryset=queryset, request=request)
            if not filterset.is_valid():
                field, messages = next(iter(filterset.errors.items()))
                raise Invalid("invalid", str(messages[0]), field=field)
            queryset = filterset.qs
        page = self.paginate_queryset(queryset)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
