"""Reports and forms that cost money: what each costs, running one, and what came of those before (W3)."""

from typing import Any
from uuid import UUID

from django.core import signing
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.activities import reports, selectors, services
from apps.activities.files import answer
from apps.activities.models import Activity, ActivityFile, Kind
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.ids import uuid7
from apps.dashboard.forms import ReportForm
from apps.dashboard.pages import done, member_page, refusal
from apps.dashboard.paging import paginate
from apps.wallet.selectors import wallet_summary

SALT = "activity once"


@require_safe
@member_page
def activities(request: Any) -> HttpResponse:
    return _show(request, ReportForm(reports=reports.kinds()))


def _show(request: Any, form: ReportForm, *, status: int = 200) -> HttpResponse:
    member = selectors.membership_of(request.user)
    is_sub_user = member.user_type == member.Kind.SUB_USER
    payer = member.enterprise.user_id if is_sub_user and member.enterprise is not None else request.user.pk
    offered = {row.key: row for row in selectors.offered_types() if not is_sub_user or row.key in member.allowed}
    page = paginate(request, selectors.activities_of(request.user).select_related("user"))
    context = {
        "report": offered.get(Kind.REPORT), "download": offered.get(Kind.FORM), "form": form,
        "forms": selectors.forms()[:50] if Kind.FORM in offered else [], "page": page,
        "once": signing.dumps(str(uuid7()), salt=SALT), "currency": request.site.currency,
        "funds": None if is_sub_user else wallet_summary(payer).funds, "limit": member.spending_limit,
        "spent": selectors.spent_this_month(request.user),
        "others": any(row.user_id != request.user.pk for row in page.rows),
        "runs": any(row.status == Activity.Status.RUNNING for row in page.rows),
    }  # fmt: skip
    return render(request, "dashboard/activities.html", context, status=status)


def _once(request: Any) -> UUID:
    """The id that the page gave this act, so that a form sent twice acts once. Raises Conflict."""
    try:
        return UUID(signing.loads(request.POST.get("once", ""), salt=SALT, max_age=24 * 3600))
    except (signing.BadSignature, ValueError) as error:
        raise Conflict("expired", "This page is too old. Open it again.") from error


@require_POST
@member_page
def run_report(request: Any) -> HttpResponse:
    form = ReportForm(request.POST, reports=reports.kinds())
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        made = services.run_activity(user=request.user, type=Kind.REPORT, params=form.params(), once=_once(request))
    except DomainError as error:
        form.refuse(error)
        return _show(request, form, status=error.status)
    said = "is being made" if made.status == Activity.Status.RUNNING else "is ready"
    return done(request, f"{made.summary}, {said}.", "dashboard:activities")


@require_POST
@member_page
def download_form(request: Any, pk: UUID) -> HttpResponse:
    try:
        made = services.run_activity(user=request.user, type=Kind.FORM, params={"form": str(pk)}, once=_once(request))
    except DomainError as error:
        return refusal(request, error)
    return done(request, f"{made.summary} is ready.", "dashboard:activities")


@require_safe
@member_page
def file(request: Any, pk: UUID) -> HttpResponse:
    activity = selectors.activities_of(request.user).filter(pk=pk).first()
    kept = ActivityFile.objects.filter(activity=activity).first() if activity is not None else None
    if kept is None:
        raise NotFound()
    return answer(kept)
