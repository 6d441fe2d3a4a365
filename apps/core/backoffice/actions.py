"""What staff do to chosen rows: through services, one refused row holding up no other, with a reason where one is due."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ActionForm
from django.db import transaction
from django.http import HttpRequest

from apps.core.errors import DomainError, Invalid
from apps.core.tenancy import reading_across


class ReasonForm(ActionForm):
    """Beside the list of actions: why. `reason_of` reads it."""

    note = forms.CharField(
        label="Reason", max_length=500, required=False,
        widget=forms.TextInput(attrs={"placeholder": "Reason", "aria-label": "Reason", "autocomplete": "off"}),
    )  # fmt: skip


def reason_of(request: HttpRequest) -> str:
    return request.POST.get("note", "").strip()[:500]


def required_reason(request: HttpRequest) -> str:
    """Raises Invalid: a decision against somebody has a reason that they can be told."""
    reason = reason_of(request)
    if not reason:
        raise Invalid("invalid", "Say why: write the reason beside the action.", field="note")
    return reason


def may(request: HttpRequest, keys: Iterable[str]) -> bool:
    """May the caller do here what one of these keys, held for the whole site, allows? Nothing while all sites are read."""
    return not reading_across() and holds(request, keys)


def holds(request: HttpRequest, keys: Iterable[str]) -> bool:
    """Does the caller hold one of these keys for the whole site? Reading all sites needs a platform role besides."""
    access = getattr(request, "access", None)
    if access is None or (reading_across() and not access.platform):
        return False
    return any(access.at_site(key) for key in keys)


def attempt(request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], Any], *, done: str) -> None:
    """Run a service for each chosen row and say what happened, `done` being "payout{s} approved"; one that is refused holds
    up no other."""
    finished, refused = 0, []
    for row in rows:
        try:
            with transaction.atomic():
                act(row)
            finished += 1
        except DomainError as error:
            refused.append(f"{row}: {error.message}")
    if finished:
        messages.success(request, f"{finished} {done.replace('{s}', '' if finished == 1 else 's')}.")
    for text in refused[:10]:
        messages.error(request, text)
    if len(refused) > 10:
        messages.error(request, f"{len(refused) - 10} more were refused.")


def attempt_with_reason(
    request: HttpRequest, rows: Iterable[Any], act: Callable[[Any, str], Any], *, done: str
) -> None:
    """`attempt` for what needs a reason. Without one nothing is tried."""
    try:
        reason = required_reason(request)
    except DomainError as error:
        messages.error(request, error.message)
        return
    attempt(request, rows, lambda row: act(row, reason), done=done)
