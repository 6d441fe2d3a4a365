"""Liveness, readiness (P13) and the CSRF refusal."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.api.errors import error_response
from apps.core.middleware import is_api
from apps.core.rls.roles import APP


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 while the process answers. Asks nothing else, so that a slow database never restarts the web server."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, Redis, migrations and row level security are as they must be, else 503 with what is not."""
    checks = {name: _run(check) for name, check in _CHECKS.items()}
    ok = all(result["ok"] for result in checks.values())
    return JsonResponse({"status": "ok" if ok else "unavailable", "checks": checks}, status=200 if ok else 503)


def _run(check: Callable[[], str]) -> dict[str, Any]:
    try:
        problem = check()
    except Exception as error:
        problem = type(error).__name__
    return {"ok": not problem, **({"problem": problem} if problem else {})}


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _redis() -> str:
    cache._cache.get_client(write=True).ping()  # type: ignore[attr-defined]
    return ""


def _migrations() -> str:
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} migrations to apply" if waiting else ""


def _isolation() -> str:
    """The cheap half of prove_isolation: who we are, and that no table with a site is open."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, dangerous = cursor.fetchone()
        if dangerous or role != APP:
            return f"serving as {role}"
        cursor.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'site_id'"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped"
            " AND c.relname <> 'sites_sitedomain' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        open_tables = cursor.fetchone()[0]
    return f"{open_tables} tables without row level security" if open_tables else ""


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database, "redis": _redis, "migrations": _migrations, "rls": _isolation,
}  # fmt: skip


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long, or one that another site sent."""
    if is_api(request):
        return error_response(request, 403, "csrf_failed", "Send the CSRF token of this session.")
    if settings.TEMPLATES and request.accepts("text/html"):
        return render(request, "403_csrf.html", status=403)
    return HttpResponse("This form has expired. Go back, reload the page and send it again.", status=403)
