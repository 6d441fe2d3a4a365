"""Every sale that earned me something, worked out; and those that did not, with the reason."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.commissions.models import Commission
from apps.commissions.selectors import stats
from apps.core.errors import NotFound
from apps.dashboard import selectors
from apps.dashboard.pages import partner_page
from apps.dashboard.paging import Page, paginate

NOTHING = "nothing"


@require_safe
@partner_page("commission.read")
def commissions(request: Any) -> HttpResponse:
    mine = Commission.objects.filter(user_id=request.user.pk)
    context = {
        "tabs": _tabs(stats(mine), request.GET.get("status", "")),
        "nothing_count": selectors.own_outcomes(request.partner).order_by().count(),
    }
    if request.GET.get("status") == NOTHING:
        page = paginate(request, selectors.own_outcomes(request.partner))
        rows = selectors.nothing_rows(page.rows)
        return render(request, "dashboard/commissions_nothing.html", {**context, "page": page, "rows": rows})
    filters = selectors.CommissionFilters.read(request.GET)
    page = paginate(request, filters.apply(selectors.own_commissions(request.user.pk)))
    detail = _explained(request, page)
    return render(
        request,
        "dashboard/commissions.html",
        {
            **context,
            "filters": filters,
            "page": page,
            "rows": selectors.sale_rows(page.rows),
            "detail": detail,
            "detail_inside": detail is not None and detail.row.commission.pk in {row.pk for row in page.rows},
            "categories": sorted(mine.order_by().values_list("category", flat=True).distinct()),
            "levels": sorted(mine.order_by().values_list("level", flat=True).distinct()),
            "months": selectors.months_since(request.partner.joined_at),
        },
    )


def _tabs(by_status: dict[str, Any], chosen: str) -> list[dict[str, Any]]:
    tabs = [
        {"value": status.value, "word": status.label, "count": by_status[status.value]["count"],
         "current": chosen == status.value}
        for status in Commission.Status
    ]  # fmt: skip
    everything = {"value": "", "word": "All", "count": sum(tab["count"] for tab in tabs)}
    return [{**everything, "current": chosen != NOTHING and not any(tab["current"] for tab in tabs)}, *tabs]


def _explained(request: Any, page: Page[Any]) -> selectors.Explained | None:
    """The commission that `?explain=` names, wherever in the list it stands. Another's is as unknown as nobody's."""
    wanted = request.GET.get("explain")
    if not wanted:
        return None
    try:
        pk = UUID(wanted)
    except ValueError as error:
        raise NotFound() from error
    row = next((row for row in page.rows if row.pk == pk), None)
    row = row or selectors.own_commissions(request.user.pk).filter(pk=pk).first()
    if row is None:
        raise NotFound()
    return selectors.explained(row)
