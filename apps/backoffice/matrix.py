"""Roles × permissions as people read them: one letter for each permission in a slot of its own, and one role as boxes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.rbac import catalogue
from apps.rbac.access import Access
from apps.rbac.models import Role
from apps.rbac.selectors import Held

COLUMNS = catalogue.ACTIONS
OTHER = ("view", "view_all", "freeze")  # what document A's keys do beside
NOTHING = "–"

Lock = str
"""Why a box can't be pressed: "" it can, "inherited", "lacking" (the viewer doesn't hold the key), "system"."""


@dataclass(frozen=True)
class Line:
    """A resource, and what each role may do with it: "CR.…"."""

    resource: str
    cells: list[str]


@dataclass(frozen=True)
class Box:
    key: str
    label: str
    checked: bool
    lock: Lock


@dataclass(frozen=True)
class BoxLine:
    """A resource with a box, or None, for each column; the last is for any other action."""

    resource: str
    boxes: list[Box | None]


def resources() -> dict[str, dict[str, str]]:
    """{resource: {action: key}} in the order of the catalogue."""
    found: dict[str, dict[str, str]] = {}
    for key in catalogue.ALL_KEYS:
        resource, action = catalogue.split(key)
        found.setdefault(resource, {})[action] = key
    return found


def lines(roles: Sequence[Role], held: Mapping[UUID, Held]) -> list[Line]:
    keys = [held[role.pk].all if role.pk in held else set() for role in roles]
    return [
        Line(resource, [_letters(by_action, having) for having in keys]) for resource, by_action in resources().items()
    ]


def _letters(by_action: Mapping[str, str], having: set[str]) -> str:
    """Six fixed slots, and a seventh where a resource has an action beside the six."""
    if not having.intersection(by_action.values()):
        return NOTHING
    slots = "".join(action[0].upper() if by_action.get(action) in having else "." for action in COLUMNS)
    other = [action[0].upper() for action in OTHER if by_action.get(action) in having]
    return slots + "".join(other)


def boxes(having: Held, access: Access, *, fixed: bool = False) -> list[BoxLine]:
    """`fixed` is a role that nobody may change."""
    found = []
    for resource, by_action in resources().items():
        other = next((by_action[action] for action in OTHER if action in by_action), None)
        keys = [*(by_action.get(action) for action in COLUMNS), other]
        found.append(BoxLine(resource, [_box(key, having, access, fixed) if key else None for key in keys]))
    return found


def _box(key: str, having: Held, access: Access, fixed: bool) -> Box:
    if fixed:
        lock = "system"
    elif key in having.inherited:
        lock = "inherited"
    else:
        lock = "" if access.at_site(key) else "lacking"
    return Box(key, catalogue.title(key), key in having.all, lock)


def lacking(access: Access) -> list[str]:
    """What the viewer does not hold, and so can neither give nor take."""
    return [key for key in catalogue.ALL_KEYS if not access.at_site(key)]


def wanted(posted: Iterable[str], own: Iterable[str], access: Access) -> set[str]:
    """Keys of the role's own after the boxes were posted: a box that was locked is not posted, and stays as it was."""
    return {*posted} | {key for key in own if not access.at_site(key)}
