"""The site of a request, and the transaction that sees only its rows."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from corsheaders.middleware import CorsMiddleware
from corsheaders.signals import check_request_enabled
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.core import phases
from apps.core.api.errors import error_response
from apps.core.middleware import is_api
from apps.core.tenancy import site_context
from apps.sites import registry

GetResponse = Callable[[HttpRequest], HttpResponse]

# Paths that are the installation's, not a site's.
PLATFORM_PATHS = ("/health/", "/ready/", "/metrics", "/static/", "/api/schema/", "/api/docs/")


class SiteMiddleware:
    """`request.site` by X-Site-Code or host (P1). Both, and different: 403, since one of them is wrong."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.site = None
        request.durable = []
        request.before_commit = []
        if request.path_info.startswith(PLATFORM_PATHS) or request.path_info in {"/health", "/ready"}:
            return self.get_response(request)
        host = request.META.get("HTTP_HOST", "").rpartition(":")[0] or request.META.get("HTTP_HOST", "")
        by_host = registry.by_host(host)
        code = request.headers.get("X-Site-Code", "").strip()
        if code:
            by_header = registry.by_code(code)
            if by_header is None:
                return error_response(request, 404, "site_unknown", "No such site.")
            if by_host is not None and by_host != by_header:
                return error_response(request, 403, "site_mismatch", "The header and the host name different sites.")
            request.site = by_header
        else:
            request.site = by_host
        if request.site is None and is_api(request) and not self._names_its_site(request):
            return error_response(request, 400, "site_required", "Send X-Site-Code or use the site's own host.")
        return self.get_response(request)

    @staticmethod
    def _names_its_site(request: HttpRequest) -> bool:
        return request.path_info.startswith("/api/v1/webhooks/")


class SiteTransactionMiddleware:
    """One transaction per request, rolled back on every answer from 400 up.

    A plain atomic middleware commits on a 500, since Django turns the exception into a response first (measured). What must
    outlive a refusal is appended to `request.durable` and runs afterwards in a transaction of its own: denials in the audit,
    failed-login counters, the revocation of a token family.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response: Callable[[Any], Any] = get_response

    def __call__(self, request: Any) -> Any:
        site, request.phase = request.site, None
        first = self._transaction(request, lambda: self.get_response(request))
        if request.phase is None or first.status_code >= 400:
            response = first
        else:
            response = phases.run(request, partial(self._transaction, request))
            response = phases.carry_over(first, response)
        if site is None:  # the installation's own, or a site that the session's switcher chose further in
            return response
        if response.streaming and response.status_code < 400:
            # A stream is read after this transaction; without a context of its own it would be silently empty.
            response.streaming_content = in_site(site.pk, response.streaming_content)
        for action in request.durable:
            with site_context(site.pk):
                action()
        return response

    @staticmethod
    def _transaction(request: Any, make: Callable[[], Any], *, is_answer: bool = True) -> Any:
        """One transaction, of the request's site if it has one. Its last phase commits what hangs on the answer."""
        with transaction.atomic() if request.site is None else site_context(request.site.pk):
            response = make()
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif is_answer and request.phase is None:
                for write in request.before_commit:
                    write(response)
        return response


def in_site(site_id: UUID, chunks: Any) -> Iterator[Any]:
    """Each chunk is made in a short context of its own, so that a slow reader holds no transaction."""
    iterator = iter(chunks)
    while True:
        with site_context(site_id):
            try:
                chunk = next(iterator)
            except StopIteration:
                return
        yield chunk


class SiteCorsMiddleware(CorsMiddleware):
    """CORS per site: a preflight carries no site, so there an origin of any site passes; the request itself is checked."""


def allow_origin(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Signal handler of django-cors-headers, which asks it for every path: other origins may call the API and nothing else."""
    if not request.path_info.startswith("/api/"):
        return False
    origin = request.headers.get("Origin", "").rstrip("/")
    host = urlsplit(origin).hostname or ""
    code = request.headers.get("X-Site-Code", "").strip()
    site = registry.by_code(code) if code else registry.by_host(host)
    if site is not None:
        return registry.calls_from(site.pk, origin) or registry.by_host(host) == site
    return request.method == "OPTIONS" and registry.known_origin(origin)


check_request_enabled.connect(allow_origin)
