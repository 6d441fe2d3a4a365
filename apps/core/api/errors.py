"""One error shape for the whole API (spec: api.md, Errors)."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, DataError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.errors import DomainError, TooMany

logger = logging.getLogger(__name__)

MESSAGES = {
    "invalid": "Some of this can't be accepted.",
    "not_found": "Not found.",
    "permission_denied": "You may not do this.",
    "not_authenticated": "Sign in first.",
    "method_not_allowed": "This method isn't offered here.",
    "unsupported_media_type": "Send JSON.",
    "too_large": "The body is too large.",
    "error": "Something failed on our side.",
}


def body(
    request_id: str, code: str, message: str, errors: list[dict[str, Any]] | None = None, **extra: Any
) -> dict[str, Any]:
    return {"code": code, "message": message, "errors": errors or [], "request_id": request_id, **extra}


def error_response(
    request: HttpRequest, status: int, code: str, message: str, errors: list[dict[str, Any]] | None = None
) -> JsonResponse:
    """The shape, for code outside DRF."""
    request_id = getattr(request, "request_id", "")
    return JsonResponse(body(request_id, code, message, errors), status=status)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler. None lets Django answer 500, and the middleware gives that the shape."""
    request_id = getattr(context["request"], "request_id", "")
    status, code, message, errors, headers = _explain(exc)
    if status is None:
        return None
    extra = exc.details if isinstance(exc, DomainError) else {}
    return Response(body(request_id, code, message, errors, **extra), status=status, headers=headers)


def _explain(exc: Exception) -> tuple[int | None, str, str, list[dict[str, Any]], dict[str, str]]:
    if isinstance(exc, DomainError):
        errors = [{"field": exc.field, "code": exc.code, "message": exc.message}] if exc.field else []
        headers = {"Retry-After": str(exc.retry_after)} if isinstance(exc, TooMany) else {}
        if exc.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return exc.status, exc.code, exc.message, errors, headers
    if isinstance(exc, exceptions.ValidationError):
        errors = list(_flatten(exc.get_full_details()))
        return 400, "invalid", MESSAGES["invalid"], errors, {}
    if isinstance(exc, Http404):
        return 404, "not_found", MESSAGES["not_found"], [], {}
    if isinstance(exc, PermissionDenied):
        return 403, "permission_denied", MESSAGES["permission_denied"], [], {}
    if isinstance(exc, RequestDataTooBig):
        return 413, "too_large", MESSAGES["too_large"], [], {}
    if isinstance(exc, DataError):
        # A value that passed the serializer and not the column, such as an integer beyond bigint: the input's fault.
        return 400, "invalid", MESSAGES["invalid"], [], {}
    if isinstance(exc, OperationalError) and getattr(exc.__cause__, "sqlstate", "") in {"40001", "40P01", "55P03"}:
        return 503, "busy", "Too much at once. Try again.", [], {"Retry-After": "1"}
    if isinstance(exc, DatabaseError):
        return None, "", "", [], {}
    if isinstance(exc, exceptions.APIException):
        return _api_exception(exc)
    return None, "", "", [], {}


def _api_exception(exc: exceptions.APIException) -> tuple[int, str, str, list[dict[str, Any]], dict[str, str]]:
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.Throttled):
        headers["Retry-After"] = str(int(getattr(exc, "wait", None) or 60))
        return 429, "rate_limited", "Too many requests.", [], headers
    if exc.status_code == 401:
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", None) or "Bearer"
    code = exc.get_codes() if isinstance(exc.get_codes(), str) else exc.default_code
    code = {"parse_error": "invalid", "authentication_failed": "not_authenticated"}.get(str(code), str(code))
    message = MESSAGES.get(code) or str(exc.detail)
    return exc.status_code, code, message, [], headers


def _flatten(details: Any, prefix: str = "") -> Iterator[dict[str, Any]]:
    """{"field": [{"message", "code"}]} of any nesting → rows with a dotted field."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"field": prefix or None, "code": str(details["code"]), "message": str(details["message"])}
    elif isinstance(details, dict):
        for name, value in details.items():
            inner = "" if name == "non_field_errors" else str(name)
            yield from _flatten(value, ".".join(part for part in (prefix, inner) if part))
    elif isinstance(details, list):
        nested = [item for item in details if not (isinstance(item, dict) and set(item) == {"message", "code"})]
        for index, item in enumerate(details):
            yield from _flatten(item, f"{prefix}.{index}" if nested and item in nested else prefix)
