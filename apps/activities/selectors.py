"""Reads of activities and enterprises. Days, months and years are those of the site's calendar; failed acts cost nothing."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.accounts.models import Membership, User
from apps.activities import errors
from apps.activities.models import Activity, ActivityType, FormDocument, Kind
from apps.core.errors import NotFound
from apps.sites.calendar import first_of_month, first_of_year, period_of, span
from apps.sites.selectors import current_site, midnight, site_day
from apps.wallet.selectors import wallet_summary

STATISTICS = "statistics"
"""Among what an enterprise lets a sub-user do: see the figures and activities of all."""
SHOWN = {"day": 30, "month": 12, "year": 5}


def offered_types() -> QuerySet[ActivityType]:
    return ActivityType.objects.filter(is_active=True).order_by("-key")


def forms() -> QuerySet[FormDocument]:
    """Those that are offered, newest first, without their content."""
    return FormDocument.objects.filter(is_active=True).defer("content").order_by("-id")


def membership_of(user: User) -> Membership:
    """With its enterprise. Raises Denied for who has none here, such as a super admin at work."""
    found = Membership.objects.select_related("enterprise").filter(user=user).first()
    if found is None:
        raise errors.not_allowed()
    return found


def enterprise_of(user: User) -> Membership:
    """The caller's membership as an enterprise. Raises Denied enterprise_only."""
    found = Membership.objects.filter(user=user, user_type=Membership.Kind.ENTERPRISE).first()
    if found is None:
        raise errors.enterprise_only()
    return found


def sub_users(enterprise: Membership) -> QuerySet[Membership]:
    """Its own, newest first, each with `spent_this_month`: every look at a sub-user starts here."""
    own = counted(Activity.objects.filter(user_id=OuterRef("user_id"), created_at__gte=month_began()))
    spent = Subquery(own.values("user_id").annotate(n=Sum("cost")).values("n"))
    rows = Membership.objects.filter(enterprise=enterprise).select_related("user").order_by("-id")
    return rows.annotate(spent_this_month=Coalesce(spent, 0, output_field=BigIntegerField()))


def sub_user_of(user: User, pk: UUID) -> Membership:
    """A sub-user of the caller's enterprise by the id of their login. Raises Denied (enterprise_only), NotFound."""
    found = sub_users(enterprise_of(user)).filter(user_id=pk).first()
    if found is None:
        raise NotFound()
    return found


def activities_of(user: User) -> QuerySet[Activity]:
    """One's own, and those one's funds paid for; all of the enterprise for a sub-user who may see them. Newest first."""
    found = Membership.objects.select_related("enterprise").filter(user=user).first()
    rows = Activity.objects.order_by("-id")
    if found is None or found.user_type != Membership.Kind.SUB_USER or found.enterprise is None:
        return rows.filter(payer=user)
    if STATISTICS in found.allowed:
        return rows.filter(payer_id=found.enterprise.user_id)
    return rows.filter(user=user)


def month_began() -> datetime:
    return midnight(first_of_month(site_day()))


def counted(rows: QuerySet[Activity]) -> QuerySet[Activity]:
    """Those that cost something: what failed was refunded."""
    return rows.order_by().exclude(status=Activity.Status.FAILED)


def spent(rows: QuerySet[Activity]) -> int:
    """Minor units, without what was refunded."""
    return int(counted(rows).aggregate(total=Coalesce(Sum("cost"), 0))["total"])


def spent_this_month(user: User) -> int:
    return spent(Activity.objects.filter(user=user, created_at__gte=month_began()))


def statistics(
    rows: QuerySet[Activity], *, period: str = "day", first: date | None = None, last: date | None = None
) -> dict[str, Any]:
    """Count and cost of `rows` in units of the calendar from `first` to `last`, widened to whole units: in all, by type, by user,
    and one row for each unit. Raises Invalid (period, a range of none or more than 400)."""
    unit = period_of(period)
    units = span(unit, first=first or unit.start(last or site_day(), back=SHOWN[period] - 1), last=last)
    rows = counted(rows)
    by_unit = units.sums(rows, "created_at", Count("pk"), Sum("cost"))
    rows = units.within(rows, "created_at")
    types = {str(key): (n, total) for key, n, total in _sums(rows, "type")}
    users = _sums(rows.select_related("user"), "user_id", "user__full_name", "user__email")
    return {
        "period": period, "first": units.first, "last": units.last, "currency": current_site().currency,
        "total": _figures(sum(n for n, _ in types.values()), sum(total for _, total in types.values())),
        "by_type": {key: _figures(*types.get(key, (0, 0))) for key in Kind.values},
        "by_user": [
            {"id": pk, "name": name or email, **_figures(n, total)}
            for pk, name, email, n, total in sorted(users, key=lambda row: (-row[-1], row[2]))[:200]
        ],
        "series": [{"date": day, **_figures(*by_unit.get(day, (0, 0)))} for day in units.starts],
    }  # fmt: skip


def _sums(rows: QuerySet[Activity], *by: str) -> list[Any]:
    return list(rows.values_list(*by).annotate(n=Count("pk"), total=Sum("cost")))


def _figures(count: int, amount: int) -> dict[str, int]:
    return {"count": int(count), "amount": int(amount)}


def enterprise_dashboard(enterprise: Membership, *, period: str = "day") -> dict[str, Any]:
    """Funds, how many sub-users, and spending: today, in this month and year and in all, and by units of the calendar."""
    rows = Activity.objects.filter(payer_id=enterprise.user_id)
    today = site_day()
    began = {"today": today, "this_month": first_of_month(today), "this_year": first_of_year(today), "total": None}
    sums = {
        name: Coalesce(Sum("cost", filter=Q(created_at__gte=midnight(day)) if day else None), 0)
        for name, day in began.items()
    }
    told = statistics(rows, period=period)
    people = Membership.objects.filter(enterprise=enterprise).aggregate(
        total=Count("pk"), active=Count("pk", filter=Q(is_active=True))
    )
    return {
        "currency": current_site().currency,
        "funds": {"balance": wallet_summary(enterprise.user_id).funds},
        "sub_users": people,
        "spent": counted(rows).aggregate(**sums),
        "activities": {"total": told["total"], "by_type": told["by_type"], "by_user": told["by_user"]},
        "series": told["series"],
    }
