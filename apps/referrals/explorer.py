"""The whole tree of a site for staff to walk: one person at a time, each branch read when it is opened (T7)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.core.axes import share
from apps.core.backoffice import may
from apps.core.backoffice.lists import found_by
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.rows import TreeRow, tree_rows
from apps.referrals.selectors import people, read_stats

KEYS = ("affiliate.read", "affiliate.manage")
SHOWN, MOST_FOUND = 50, 20


@dataclass(frozen=True)
class Level:
    """A bar: the level, its people, and its share of the widest as an SVG width."""

    level: int
    people: int
    width: str


@dataclass(frozen=True)
class Branch:
    """People directly below `top`. `more` is the id to go on after, when there are more than are shown."""

    top: Partner
    rows: list[TreeRow]
    more: UUID | None


def explore(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """`?root=` a partner, `?after=` the last one shown, `?q=` a code or the beginning of an e-mail."""
    top, term = _top(request), request.GET.get("q", "").strip()[:120]
    found = _found(term) if term else []
    if len(found) == 1:
        top = found[0]
    shown = {
        **context,
        "title": str(top.user) if top.user_id else "Tree of the site",
        "top": top if top.user_id else None,
        "above": [step for step in _above(top) if step.user_id],
        "found": found if len(found) != 1 else [],
        "term": term,
        "branch": branch_of(top, after=request.GET.get("after", "")),
        "levels": _levels(top),
    }
    return TemplateResponse(request, "admin/tools/tree.html", shown)


def branch(request: HttpRequest, pk: str, context: dict[str, Any]) -> HttpResponse:
    """One branch, for the page to open in place."""
    if not may(request, KEYS):
        raise PermissionDenied
    shown = {**context, "branch": branch_of(_partner(pk)), "inside": True}
    return TemplateResponse(request, "admin/tools/tree_branch.html", shown)


def branch_of(top: Partner, *, after: str = "") -> Branch:
    """A page of direct referrals with the size of their teams. A fixed number of queries."""
    below = people().children_of(top)
    if after:
        below = below.filter(path__gt=_partner(after).path)
    page = list(below[: SHOWN + 1])
    more = page[SHOWN - 1].pk if len(page) > SHOWN else None
    return Branch(top, tree_rows(top, page[:SHOWN], viewer=None), more)


def _top(request: HttpRequest) -> Partner:
    if not may(request, KEYS):
        raise PermissionDenied
    root = request.GET.get("root", "")
    return _partner(root) if root else Partner.objects.get(depth=1)


def _partner(written: str) -> Partner:
    try:
        found = people().filter(pk=UUID(written)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _found(term: str) -> list[Partner]:
    return list(found_by(people(), ("code", "user__email"), term).rows.order_by("path")[:MOST_FOUND])


def _above(top: Partner) -> list[Partner]:
    return list(people().upline_of(top).order_by("depth"))


def _levels(top: Partner) -> list[Level]:
    """From the statistics; for the site itself counted, by the index on depth alone."""
    if top.user_id:
        counts = dict(enumerate(read_stats([top.pk])[top.pk], start=1))
    else:
        depths = Partner.objects.people().order_by().values_list("depth").annotate(n=Count("pk"))
        counts = {depth - 1: int(n) for depth, n in sorted(depths) if depth - 1 <= MAX_LEVEL}
    widest = max(counts.values(), default=0)
    return [Level(level, n, share(n, widest)) for level, n in counts.items() if n]
