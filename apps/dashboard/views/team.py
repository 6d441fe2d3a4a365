"""Who stands below me."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.errors import NotFound
from apps.dashboard import selectors
from apps.dashboard.pages import partner_page
from apps.dashboard.paging import paginate
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.rows import tree_rows
from apps.referrals.selectors import name_below, people


@require_safe
@partner_page("affiliate.read")
def team(request: Any) -> HttpResponse:
    """The tree from me, or from `?open=` one of my people; with a filter a flat list with the way to each."""
    me = request.partner
    top = _mine(me, request.GET.get("open"))
    filters = selectors.TeamFilters.read(request.GET)
    rows = filters.apply(me) if filters else people().children_of(top)
    page = paginate(request, rows, key="path", descending=False, hidden=me.path)
    shown = tree_rows(me, page.rows, viewer=me, chains=bool(filters))
    by_level = selectors.earned_by_level(request.user.pk)
    context = {
        "page": page,
        "rows": shown,
        "shape": selectors.shape(me),
        "earned": by_level,
        "earned_total": sum(row.amount for row in by_level),
        "filters": filters,
        "top": selectors.person(me, top) if top != me else None,
        "purchases": selectors.purchases_of(me, top) if top != me else [],
        "levels": selectors.levels(me),
        "statuses": Partner.Status.choices,
    }
    return render(request, "dashboard/team.html", context)


@require_safe
@partner_page("affiliate.read")
def branch(request: Any, pk: UUID) -> HttpResponse:
    """The people directly below one of mine, for the tree to open in place."""
    me = request.partner
    top = _mine(me, str(pk))
    page = paginate(request, people().children_of(top), key="path", descending=False, hidden=me.path)
    rows = tree_rows(me, page.rows, viewer=me)
    user = top.user
    assert user is not None
    name = name_below(user.full_name, user.email)
    return render(request, "dashboard/team_branch.html", {"rows": rows, "page": page, "top": top, "name": name})


def _mine(me: Partner, pk: str | None) -> Partner:
    """Me, or somebody within my twenty levels. Anybody else is as unknown as nobody."""
    if not pk:
        return me
    try:
        found = people().downline_of(me, depth=MAX_LEVEL).filter(pk=UUID(pk)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound()
    return found
