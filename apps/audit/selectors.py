"""The history of one thing, and what an event changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.audit import words
from apps.audit.models import AuditEvent
from apps.core.tenancy import known_sites


@dataclass(frozen=True)
class Change:
    """One value that an event tells of, in words; `before` is empty where there was none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Moment:
    """An event of a history. `about` names its target where that isn't the thing itself."""

    event: AuditEvent
    said: str
    about: str
    changes: list[Change]


def currencies() -> dict[Any, str]:
    """{site: its currency}, for `changes_of`. One query."""
    return {site.id: site.currency for site in known_sites()}


def changes_of(event: AuditEvent, known: Mapping[Any, str]) -> list[Change]:
    """Before and after side by side, in the order they were written down; amounts in the currency of the event's site."""
    names = list(dict.fromkeys([*event.before, *event.after]))
    currency = known[event.site_id]
    return [
        Change(words.field_noun(name), _side(event.before, name, currency), _side(event.after, name, currency))
        for name in names
        if event.before.get(name, _NONE) != event.after.get(name, _NONE)
    ]


_NONE = object()


def _side(values: dict[str, Any], name: str, currency: str) -> str:
    if name not in values:
        return ""
    return words.value_text(values[name], money_in=currency if name in words.MONEY else "")


def history(
    targets: Iterable[tuple[str, Any]], *, size: int, before: UUID | None = None
) -> tuple[list[Moment], UUID | None]:
    """Events of (model's label, id) pairs, newest first, the first pair being the thing itself; and where older ones begin.

    Each pair is a range of one index.
    """
    pairs = list(targets)
    about = Q()
    for label, pk in pairs:
        about |= Q(target_type=label, target_id=str(pk))
    events = AuditEvent.objects.filter(about).order_by("-id")
    if before is not None:
        events = events.filter(pk__lt=before)
    page = list(events[: size + 1])
    older = page[size - 1].pk if len(page) > size else None
    known = currencies()
    return [_moment(event, known, itself=pairs[0]) for event in page[:size]], older


def _moment(event: AuditEvent, known: Mapping[Any, str], *, itself: tuple[str, Any]) -> Moment:
    is_itself = (event.target_type, event.target_id) == (itself[0], str(itself[1]))
    about = "" if is_itself else f"{words.target_noun(event.target_type)} {event.target_name}".strip()
    return Moment(event, words.said(event.action), about, changes_of(event, known))
