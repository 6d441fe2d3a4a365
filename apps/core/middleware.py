"""What every request gets, whatever its site: an id, and errors in one shape."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse

from apps.core import logs
from apps.core.api.errors import error_response
from apps.core.api.throttling import client_ip
from apps.core.errors import DomainError
from apps.core.ids import uuid7

access = logging.getLogger("upline.access")

GetResponse = Callable[[HttpRequest], HttpResponse]
_SAFE_ID = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")


class RequestIdMiddleware:
    """One id per request (P6): the caller's where it is harmless, else a new one; in logs, errors and the answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if _SAFE_ID.match(given) else uuid7().hex  # type: ignore[attr-defined]
        token = logs.request_id.set(request.request_id)  # type: ignore[attr-defined]
        actor = logs.actor_id.set("")
        address = logs.client_ip.set(client_ip(request))
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            _log(request, response, time.perf_counter() - started)
        finally:
            logs.request_id.reset(token)
            logs.actor_id.reset(actor)
            logs.client_ip.reset(address)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


def _log(request: Any, response: HttpResponse, seconds: float) -> None:
    """One line per request. The route and not the path, since a path may carry the token of a mailed link."""
    site, match = getattr(request, "site", None), request.resolver_match
    extra = {
        "method": request.method,
        "route": match.route if match else "",
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "site": site.code if site else "",
    }
    access.info("request", extra=extra)


class ErrorShapeMiddleware:
    """Errors from outside DRF's views in the API's shape; a path of the API without its trailing slash."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_api(request) and request.path_info.endswith("/") and request.path_info.count("/") > 3:
            request.path_info = request.path_info.rstrip("/")
            request.path = request.path.rstrip("/")
        if is_api(request) and _content_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return error_response(request, 413, "too_large", "The body is too large.")
        if not is_api(request):
            _refuse_nul(request)
        try:
            response = self.get_response(request)
        except DomainError as error:
            return error_response(request, error.status, error.code, error.message)
        if is_api(request) and not response.streaming and response.status_code >= 400:
            return _shaped(request, response)
        return response


class PolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy, put together once. A view that needs another says so with django-csp's decorators."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.policy = build_policy()

    def process_response(self, request: Any, response: Any) -> Any:
        if getattr(request, "_csp_nonce", None) or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.policy)
        return response


def _refuse_nul(request: HttpRequest) -> None:
    """The one character the database can't even be asked for. Forms and the API's parser refuse it in what they read."""
    if "\0" in request.path_info:
        raise Http404
    if "%00" in request.META.get("QUERY_STRING", ""):
        raise BadRequest("NUL in the query")


def _shaped(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's own HTML answers (404 of the URL conf, 400 of a bad host, 500) become JSON; ours pass."""
    if response.get("Content-Type", "").startswith("application/json"):
        return response
    codes = {400: "invalid", 403: "permission_denied", 404: "not_found", 413: "too_large"}
    status = response.status_code
    messages = {404: "Not found.", 413: "The body is too large.", 500: "Something failed on our side."}
    message = messages.get(status, "The request can't be served.")
    shaped: Any = error_response(request, status, codes.get(status, "error"), message)
    for name, value in response.items():
        if not name.lower().startswith("content-"):
            shaped.headers.setdefault(name, value)  # what the middleware within said of the answer
    shaped._has_been_logged = True  # as Django's own answer, with its traceback
    return shaped


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/v1/")
