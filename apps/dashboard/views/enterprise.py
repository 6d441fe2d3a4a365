"""An enterprise: its sub-users, their limits, and what they spend (W1)."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import services as accounts
from apps.accounts.models import Membership
from apps.activities import selectors
from apps.activities.models import Activity
from apps.core.errors import DomainError
from apps.dashboard.charts import columns
from apps.dashboard.forms import SubUserForm
from apps.dashboard.pages import done, member_page
from apps.dashboard.paging import paginate
from apps.sites.calendar import PERIODS

MOST_LATEST, CHARTED = 20, 14


@require_safe
@member_page
def enterprise(request: Any) -> HttpResponse:
    selectors.enterprise_of(request.user)
    return _show(
        request, SubUserForm(currency=request.site.currency, initial={"allowed": accounts.SUB_USER_RIGHTS[:2]})
    )


def _show(request: Any, form: SubUserForm, *, status: int = 200) -> HttpResponse:
    mine = selectors.enterprise_of(request.user)
    period = request.GET.get("period", "day")
    period = period if period in PERIODS else "day"
    board = selectors.enterprise_dashboard(mine, period=period)
    units = [(PERIODS[period].named(row["date"]), row) for row in reversed(board["series"]) if row["count"]]
    shown = [(PERIODS[period].short(row["date"]), [row["amount"]]) for row in board["series"][-CHARTED:]]
    context = {
        "board": board, "units": units, "chart": columns(shown), "unit": PERIODS[period], "period": period,
        "periods": PERIODS.values(), "form": form,
        "page": paginate(request, selectors.sub_users(mine)), "currency": request.site.currency,
    }  # fmt: skip
    return render(request, "dashboard/enterprise.html", context, status=status)


@sensitive_post_parameters("password")
@require_POST
@member_page
def add_sub_user(request: Any) -> HttpResponse:
    mine = selectors.enterprise_of(request.user)
    form = SubUserForm(request.POST, currency=request.site.currency)
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        made = accounts.create_sub_user(
            enterprise=mine, actor=request.user, durable=request.durable, **form.cleaned_data
        )
    except DomainError as error:
        form.refuse(error)
        return _show(request, form, status=error.status)
    return done(request, f"{made.user} can sign in now.", "dashboard:enterprise")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def sub_user(request: Any, pk: UUID) -> HttpResponse:
    found, currency = selectors.sub_user_of(request.user, pk), request.site.currency
    if request.method != "POST":
        known = {"full_name": found.user.full_name, "allowed": found.allowed, "spending_limit": found.spending_limit}
        form = SubUserForm(currency=currency, is_new=False, initial=known)
        return _show_one(request, found, form)
    form = SubUserForm(request.POST, currency=currency, is_new=False)
    if not form.is_valid():
        return _show_one(request, found, form, status=400)
    try:
        accounts.change_sub_user(member=found, changes=form.cleaned_data, actor=request.user)
    except DomainError as error:
        form.refuse(error)
        return _show_one(request, found, form, status=error.status)
    return done(request, "Saved.", "dashboard:enterprise")


def _show_one(request: Any, found: Membership, form: SubUserForm, *, status: int = 200) -> HttpResponse:
    rows = Activity.objects.filter(user_id=found.user_id, payer=request.user)
    context = {
        "member": found, "form": form, "currency": request.site.currency, "latest": rows.order_by("-id")[:MOST_LATEST],
        "spent": selectors.spent_this_month(found.user), "total": selectors.spent(rows),
    }  # fmt: skip
    return render(request, "dashboard/sub_user.html", context, status=status)


@require_POST
@member_page
def switch_sub_user(request: Any, pk: UUID) -> HttpResponse:
    """Suspend, or let in again."""
    found = selectors.sub_user_of(request.user, pk)
    is_active = request.POST.get("is_active") == "1"
    accounts.change_sub_user(member=found, changes={"is_active": is_active}, actor=request.user)
    said = "may sign in again" if is_active else "is suspended"
    return done(request, f"{found.user} {said}.", "dashboard:enterprise")
