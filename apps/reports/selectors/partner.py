"""What a partner has earned and may expect."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, TruncDate, TruncMonth
from django.utils import timezone

from apps.commissions.models import Commission
from apps.core.money import rate_text
from apps.orders.models import OrderLine, Service
from apps.referrals.models import MAX_LEVEL, Click, Conversion, Partner
from apps.referrals.selectors import read_stats
from apps.sites.selectors import current_site
from apps.wallet.selectors import wallet_summary

PENDING, APPROVED, PAID = Commission.Status.PENDING, Commission.Status.APPROVED, Commission.Status.PAID
EARNED = (APPROVED, PAID)
SERIES_DAYS = 30
PROJECTION_DAYS = 90


def pending_commissions(user_id: UUID) -> int:
    """Minor units that wait for approval or the end of a hold."""
    return _total(Commission.objects.filter(user_id=user_id, status=PENDING))


def dashboard(partner: Partner) -> dict[str, Any]:
    """The partner's overview (api.md, /affiliate/dashboard). A fixed number of queries."""
    user_id = _user_id(partner)
    wallet, pending = wallet_summary(user_id), pending_commissions(user_id)
    clicks = Click.objects.filter(partner=partner).count()
    signups = Conversion.objects.filter(partner=partner, kind=Conversion.Kind.SIGNUP, click__isnull=False).count()
    return {
        "total_earnings": _total(Commission.objects.filter(user_id=user_id, status__in=EARNED)),
        "available_balance": wallet.available,
        "pending_commissions": pending,
        "total_referrals": sum(read_stats([partner.pk])[partner.pk]),
        "active_referrals": _active_referrals(partner),
        "currency": wallet.currency,
        "clicks": clicks,
        "conversion_rate": _rate(signups, clicks),
        "expected_payout": wallet.available + pending,
        "series": earnings_by_day(user_id, days=SERIES_DAYS),
    }


def earnings_by_day(user_id: UUID, *, days: int) -> list[dict[str, Any]]:
    """`{date, amount}` of each of the last `days` UTC days, today last; rejected and reversed left out."""
    today = timezone.now().astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    rows = (
        Commission.objects.filter(user_id=user_id, status__in=(PENDING, *EARNED), earned_at__gte=_midnight(first))
        .order_by()
        .annotate(day=TruncDate("earned_at", tzinfo=UTC))
        .values_list("day")
        .annotate(total=Sum("amount"))
    )
    found = dict(rows)
    return [
        {"date": day.isoformat(), "amount": int(found.get(day, 0))}
        for day in (first + timedelta(n) for n in range(days))
    ]


def affiliate_stats(partner: Partner) -> dict[str, Any]:
    """A partner's earnings by status, by level and by month of the sale."""
    mine = Commission.objects.filter(user_id=_user_id(partner)).order_by()
    statuses: dict[str, Any] = {
        row["status"]: row for row in mine.values("status").annotate(count=Count("pk"), total=Sum("amount"))
    }
    counted = mine.filter(status__in=(PENDING, *EARNED))
    levels = counted.values("level").annotate(count=Count("pk"), total=Sum("amount")).order_by("level")
    months = (
        counted.annotate(month=TruncMonth("earned_at", tzinfo=UTC))
        .values("month")
        .annotate(total=Sum("amount"))
        .order_by("month")
    )
    return {
        "currency": current_site().currency,
        "by_status": {
            status: {
                "count": statuses.get(status, {}).get("count", 0),
                "amount": int(statuses.get(status, {}).get("total") or 0),
            }
            for status in Commission.Status.values
        },
        "by_level": {str(row["level"]): {"count": row["count"], "amount": int(row["total"])} for row in levels},
        "by_month": [{"month": row["month"].strftime("%Y-%m"), "amount": int(row["total"])} for row in months],
    }


@dataclass(frozen=True)
class Expected:
    """What a partner may expect, with the arithmetic of the part that is a guess. Minor units."""

    currency: str
    available: int
    pending: int
    projected: int
    by: date
    earned_in_window: int
    days_left: int

    @property
    def total(self) -> int:
        return self.available + self.pending + self.projected

    @property
    def method(self) -> str:
        return (
            f"available + pending + projection: earned in the last {PROJECTION_DAYS} days ÷ {PROJECTION_DAYS}"
            f" × {self.days_left} days to {self.by.isoformat()}"
        )


def expected_payout(partner: Partner) -> Expected:
    """The projection runs to the end of the present UTC month and says so; it is an estimate, not money that exists."""
    user_id = _user_id(partner)
    wallet, today = wallet_summary(user_id), timezone.now().astimezone(UTC).date()
    end = today.replace(day=calendar.monthrange(today.year, today.month)[1])
    since = _midnight(today - timedelta(days=PROJECTION_DAYS))
    recent = _total(Commission.objects.filter(user_id=user_id, status__in=(PENDING, *EARNED), earned_at__gte=since))
    days_left = (end - today).days
    return Expected(
        currency=wallet.currency,
        available=wallet.available,
        pending=pending_commissions(user_id),
        projected=max(recent, 0) * days_left // PROJECTION_DAYS,
        by=end,
        earned_in_window=recent,
        days_left=days_left,
    )


def bought_by_downline(partner: Partner) -> QuerySet[OrderLine]:
    """What people on levels 1 to 20 bought, newest first, each with `commission` and `buyer_level` for this partner.

    `standing` is that of the service the line made or renewed; bought once it is active until all of it is
    refunded. A guest whom somebody brought stands one level below them.
    """
    downline = Partner.objects.downline_of(partner, depth=MAX_LEVEL)
    bringers = Partner.objects.downline_of(partner, depth=MAX_LEVEL - 1)
    mine = Commission.objects.filter(line=OuterRef("pk"), user_id=_user_id(partner)).order_by()
    made, renewed = Service.objects.filter(line=OuterRef("pk")), Service.objects.filter(pk=OuterRef("renews_id"))

    def of_service(column: str) -> Coalesce:
        return Coalesce(*(Subquery(rows.order_by().values(column)[:1]) for rows in (made, renewed)))

    depth = Partner.objects.filter(user_id=OuterRef("order__user_id")).order_by().values("depth")[:1]
    return (
        OrderLine.objects.filter(order__paid_at__isnull=False)
        .filter(
            Q(Exists(downline.filter(user_id=OuterRef("order__user_id")).order_by()))
            | Q(order__user=None)
            & (
                Q(order__customer__partner=partner)
                | Q(Exists(bringers.filter(pk=OuterRef("order__customer__partner")).order_by()))
            )
        )
        .select_related("order", "order__user")
        .annotate(
            commission=Coalesce(Subquery(mine.values("line").annotate(total=Sum("amount")).values("total")), 0),
            standing=Case(
                When(refunded_amount=F("amount"), then=Value(Service.Status.CANCELLED)),
                default=Coalesce(of_service("status"), Value(Service.Status.ACTIVE)),
            ),
            ends_at=of_service("ends_at"),
            commission_status=Subquery(mine.values("status")[:1]),
            buyer_level=Coalesce(Subquery(depth), F("order__customer__partner__depth") + 1) - partner.depth,
        )
        .order_by("-id")
    )


def _active_referrals(partner: Partner) -> int:
    active = Partner.objects.downline_of(partner, depth=MAX_LEVEL).filter(status=Partner.Status.ACTIVE)
    return int(active.order_by().count())


def _total(rows: QuerySet[Commission]) -> int:
    return int(rows.aggregate(total=Sum("amount"))["total"] or 0)


def _rate(part: int, whole: int) -> str:
    """A fraction as text, "0" of nothing."""
    return rate_text((Decimal(part) / whole).quantize(Decimal("0.0001"))) if whole else "0"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _user_id(partner: Partner) -> UUID:
    assert partner.user_id is not None, "the site's root is nobody's"
    return partner.user_id
