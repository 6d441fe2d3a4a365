"""Decisions about more rows than one request should carry. What runs them stands above and registers itself here."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

AT_ONCE = 200
"""Rows that one request, or one step of a job, decides."""

Starter = Callable[[HttpRequest, Any, str, QuerySet[Any], str], HttpResponse]
_starter: list[Starter] = []


def register(starter: Starter) -> None:
    """`starter(request, screen, action, rows, reason)` makes the job and answers with its page."""
    _starter[:] = [starter]


def is_for_a_job(request: HttpRequest, rows: QuerySet[Any]) -> bool:
    """Was everything chosen that fits the list, and is that too much for a request?"""
    return is_for_all(request) and rows[AT_ONCE : AT_ONCE + 1].exists()


def is_for_all(request: HttpRequest) -> bool:
    """Was everything that fits chosen? As Django's form reads a box: whatever stands there, but for what says no."""
    return request.POST.get("select_across", "").lower() not in ("", "0", "false")


def start(request: HttpRequest, screen: Any, action: str, rows: QuerySet[Any], reason: str) -> HttpResponse | None:
    """The job's page. None, and a message, when the list itself does not show all that its search fits."""
    if getattr(request, "search_cropped", False):
        messages.error(
            request, "Your search fits too many people to take all of their rows. Write more of it, or filter."
        )
        return None
    return _starter[0](request, screen, action, rows, reason)
