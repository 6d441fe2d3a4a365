"""What staff do to chosen rows: through services, one refused row holding up no other, with a reason where one is due."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ActionForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.backoffice import bulk
from apps.core.errors import DomainError
from apps.core.tenancy import reading_across

NAMED = 3
CONFIRMED = "confirmed"
Decide = Callable[[Any, HttpRequest, QuerySet[Any], str], "Outcome"]


class ReasonForm(ActionForm):
    """Beside the list of actions: why. `reason_of` reads it."""

    note = forms.CharField(
        label="Reason", max_length=500, required=False,
        widget=forms.TextInput(attrs={"placeholder": "Reason", "aria-label": "Reason", "autocomplete": "off"}),
    )  # fmt: skip


def repeated(request: HttpRequest) -> list[tuple[str, str]]:
    """What was sent, for a page that is to send it again."""
    return [
        (name, value) for name in request.POST for value in request.POST.getlist(name) if name != "csrfmiddlewaretoken"
    ]


def reason_of(request: HttpRequest) -> str:
    return request.POST.get("note", "").strip()[:500]


def may(request: HttpRequest, keys: Iterable[str], *, scoped: bool = False) -> bool:
    """May the caller do here what one of these keys, held for the whole site, allows? `scoped`: or for a department or an
    enterprise. Nothing while all sites are read."""
    return not reading_across() and holds(request, keys, scoped=scoped)


def holds(request: HttpRequest, keys: Iterable[str], *, scoped: bool = False) -> bool:
    """As `may`, of what one sees. Reading all sites needs a platform role besides."""
    access = getattr(request, "access", None)
    if access is None or (reading_across() and not access.platform):
        return False
    return any(access.scoped(key) if scoped else access.at_site(key) for key in keys)


@dataclass
class Outcome:
    """What became of chosen rows: how many were done, and which were not and why, in words."""

    done: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, list[str]]:
        """{why: rows}."""
        found: dict[str, list[str]] = {}
        for row, why in self.refused:
            found.setdefault(why, []).append(row)
        return found


def attempt(rows: Iterable[Any], act: Callable[[Any], Any]) -> Outcome:
    """Run a service for each row; one that is refused holds up no other."""
    outcome = Outcome()
    for row in rows:
        try:
            with transaction.atomic():
                act(row)
            outcome.done += 1
        except DomainError as error:
            outcome.refused.append((str(row), error.message))
    return outcome


def tell(request: HttpRequest, outcome: Outcome, *, done: str) -> None:
    """`done` is "payout{s} approved" or "bonus{es} approved". Many refused for one reason are counted, few are named."""
    if outcome.done:
        one = outcome.done == 1
        said = done.replace("{s}", "" if one else "s").replace("{es}", "" if one else "es")
        messages.success(request, f"{outcome.done} {said}.")
    for why, rows in outcome.reasons.items():
        messages.error(request, f"{', '.join(rows) if len(rows) <= NAMED else f'{len(rows)} refused'}: {why}")


def decision(
    label: str,
    *,
    needs: str,
    done: str,
    keys: Sequence[str] = (),
    reason: bool = False,
    moves_money: bool = False,
    look: str = "",
) -> Callable[[Decide], Any]:
    """An action of a list: `decide(self, request, rows, reason)` acts on rows by a service and returns an Outcome.

        @decision("Reject, with a reason", needs="reject", done="payout{s} rejected", reason=True)
        def reject(self, request, rows, reason): ...

    `needs` is Django's name of a permission (`has_reject_permission`); `keys` are what the person must hold for the user of each
    row, where the screen is scoped. With `reason=True` nothing is tried without one: a decision against somebody has a reason
    that they can be told. Before one that moves money, somebody who signed in long ago proves who they are (docs/adr/0011).
    `look` names the screen's method that shows what would happen before it does: `look(request, rows)` answers with a page that
    sends the same again, with `confirmed` (templates/admin/tools/look.html). For everything that fits a list's filters, beyond
    what one request should carry, it becomes a job (apps.core.backoffice.bulk).
    """

    def wrap(decide: Decide) -> Any:
        def decide_theirs(screen: Any, request: HttpRequest, rows: QuerySet[Any], why: str) -> Outcome:
            mine = screen.theirs(request, rows, *keys) if keys else rows
            others = [] if mine is rows else [str(row) for row in rows.exclude(pk__in=mine.values("pk"))]
            outcome = decide(screen, request, mine, why)
            outcome.refused += [(row, "not yours to decide") for row in others]
            return outcome

        @wraps(decide)
        def action(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
            why = reason_of(request)
            if reason and not why:
                messages.error(request, "Say why: write the reason beside the action.")
                return None
            if look and CONFIRMED not in request.POST:
                page: HttpResponse = getattr(screen, look)(request, rows)
                return page
            if bulk.is_for_a_job(request, rows):
                return bulk.start(request, screen, decide.__name__, rows, why)
            tell(request, decide_theirs(screen, request, rows, why), done=done)
            return None

        marked: Any = action
        marked.short_description, marked.allowed_permissions = label, [needs]
        marked.decide, marked.moves_money, marked.needs_reason = decide_theirs, moves_money, reason
        return marked

    return wrap
