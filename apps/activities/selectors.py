"""Reads of activities and enterprises. Days, months and years are those of the site's calendar; failed acts cost nothing."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate, TruncMonth, TruncYear

from apps.accounts.models import Membership, User
from apps.activities import errors
from apps.activities.models import Activity, ActivityType, FormDocument
from apps.core.errors import Invalid
from apps.core.money import exponent
from apps.sites.selectors import current_site, midnight, site_day
from apps.wallet.selectors import wallet_summary

STATISTICS = "statistics"
"""Among what an enterprise lets a sub-user do: see the figures and activities of all."""
MOST_ROWS = 400
SHOWN = {"day": 30, "month": 12, "year": 5}
TRUNC: dict[str, Any] = {"day": TruncDate, "month": TruncMonth, "year": TruncYear}


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
    """Its own, newest first: every look at a sub-user starts here."""
    return Membership.objects.filter(enterprise=enterprise).select_related("user").order_by("-id")


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
    return midnight(site_day().replace(day=1))


def spent(rows: QuerySet[Activity]) -> int:
    """Minor units, without what was refunded."""
    counted = rows.order_by().exclude(status=Activity.Status.FAILED)
    return int(counted.aggregate(total=Coalesce(Sum("cost"), 0))["total"])


def spent_this_month(user_ids: Iterable[UUID]) -> dict[UUID, int]:
    """{user: what they spent in this month}; those without are left out. One query."""
    rows = Activity.objects.filter(user_id__in=list(user_ids), created_at__gte=month_began())
    rows = rows.exclude(status=Activity.Status.FAILED).order_by()
    return {pk: int(total) for pk, total in rows.values_list("user_id").annotate(n=Sum("cost"))}


def _next(period: str, day: date) -> date:
    if period == "day":
        return day + timedelta(days=1)
    if period == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return date(day.year + 1, 1, 1)


def _start(period: str, day: date) -> date:
    return day if period == "day" else day.replace(day=1) if period == "month" else day.replace(month=1, day=1)


def _first(period: str, last: date) -> date:
    shown = SHOWN[period] - 1
    if period == "day":
        return last - timedelta(days=shown)
    if period == "year":
        return date(last.year - shown, 1, 1)
    months = last.year * 12 + last.month - 1 - shown
    return date(months // 12, months % 12 + 1, 1)


def statistics(
    rows: QuerySet[Activity], *, period: str = "day", first: date | None = None, last: date | None = None
) -> dict[str, Any]:
    """Count and cost of `rows` in units of the calendar from `first` to `last`, widened to whole units: in all, by type, by user,
    and one row for each unit. Raises Invalid (period, a range of none or more than 400)."""
    if period not in TRUNC:
        raise Invalid("invalid", "period is day, month or year.", field="period")
    last = last or site_day()
    first = _start(period, first or _first(period, last))
    if first > last:
        raise Invalid("invalid", "The range ends before it begins.", field="to")
    starts = [first]
    while (following := _next(period, starts[-1])) <= last:
        starts.append(following)
        if len(starts) > MOST_ROWS:
            raise Invalid("invalid", f"At most {MOST_ROWS} rows: ask for months or years.", field="from")
    end = _next(period, starts[-1])
    rows = rows.order_by().exclude(status=Activity.Status.FAILED)
    rows = rows.filter(created_at__gte=midnight(first), created_at__lt=midnight(end))
    zone = ZoneInfo(current_site().time_zone)
    cut = rows.annotate(unit=TRUNC[period]("created_at", tzinfo=zone))
    units = {_day(key): (n, total) for key, n, total in _sums(cut, "unit")}
    types = {str(key): (n, total) for key, n, total in _sums(rows, "type")}
    users = _sums(rows.select_related("user"), "user_id", "user__full_name", "user__email")
    return {
        "period": period, "first": first, "last": end - timedelta(days=1), "currency": current_site().currency,
        "total": _figures(sum(n for n, _ in types.values()), sum(total for _, total in types.values())),
        "by_type": {key: _figures(*types.get(key, (0, 0))) for key, _ in Activity._meta.get_field("type").choices},  # type: ignore[union-attr]
        "by_user": [
            {"id": pk, "name": name or email, **_figures(n, total)}
            for pk, name, email, n, total in sorted(users, key=lambda row: (-row[-1], row[2]))[:200]
        ],
        "series": [{"date": day, **_figures(*units.get(day, (0, 0)))} for day in starts],
    }  # fmt: skip


def _sums(rows: QuerySet[Activity], *by: str) -> list[Any]:
    return list(rows.values_list(*by).annotate(n=Count("pk"), total=Sum("cost")))


def _figures(count: int, amount: int) -> dict[str, int]:
    return {"count": int(count), "amount": int(amount)}


def _day(start: date | datetime) -> date:
    return start.date() if isinstance(start, datetime) else start


def enterprise_dashboard(enterprise: Membership) -> dict[str, Any]:
    """Funds, sub-users with what they spent this month, and spending by day, month and year."""
    rows = Activity.objects.filter(payer_id=enterprise.user_id)
    people = list(sub_users(enterprise)[:200])
    month = spent_this_month(row.user_id for row in people)
    today = site_day()
    figures: Mapping[str, Callable[[], int]] = {
        "today": lambda: spent(rows.filter(created_at__gte=midnight(today))),
        "this_month": lambda: spent(rows.filter(created_at__gte=month_began())),
        "this_year": lambda: spent(rows.filter(created_at__gte=midnight(today.replace(month=1, day=1)))),
        "total": lambda: spent(rows),
    }
    told = statistics(rows)
    return {
        "currency": current_site().currency,
        "funds": {"balance": wallet_summary(enterprise.user_id).funds},
        "sub_users": {"total": sub_users(enterprise).count(), "active": sub_users(enterprise).filter(is_active=True).count()},
        "spent": {name: count() for name, count in figures.items()},
        "activities": {"total": told["total"], "by_type": told["by_type"], "by_user": told["by_user"]},
        "spending": [with_spent(row, month.get(row.user_id, 0)) for row in people],
        "series": told["series"],
    }  # fmt: skip


def with_spent(row: Membership, amount: int) -> Membership:
    row.spent_this_month = amount  # type: ignore[attr-defined]
    return row


def plain_amount(amount: int | None, currency: str) -> str:
    """As one would type it: "1234.50"; "" for none."""
    return "" if amount is None else f"{Decimal(amount).scaleb(-exponent(currency)):f}"
