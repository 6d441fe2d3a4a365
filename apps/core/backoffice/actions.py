"""What staff do to chosen rows: through services, one refused row holding up no other, with a reason where one is due."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ActionForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.errors import DomainError, Invalid


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


def may(request: HttpRequest, keys: Iterable[str], *, scoped: bool = False) -> bool:
    """Does the caller hold one of these keys for the whole site? `scoped`: or for a department or an enterprise."""
    access = getattr(request, "access", None)
    if access is None:
        return False
    return any(access.scoped(key) if scoped else access.at_site(key) for key in keys)


def theirs(request: HttpRequest, rows: QuerySet[Any], keys: Iterable[str], *, by: str) -> QuerySet[Any]:
    """The rows whose user, in the column `by`, the caller holds one of these keys for; says so when that leaves some out."""
    access: Any = getattr(request, "access", None)
    allowed: QuerySet[Any] = access.narrow(rows, *keys, by=by) if access is not None else rows.none()
    if allowed is not rows and (left := rows.count() - allowed.count()):
        messages.error(request, f"{left} of them {'is' if left == 1 else 'are'} not yours to decide.")
    return allowed


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
