"""How the site does over time: revenue, people, what staff and partners did (W4, api.md Staff analytics).

Days, months and years are those of the site's calendar. Each figure is one aggregate over one index and nothing is stored twice,
so a refund of an old order, or an order reported late, is in its day at once.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate

from apps.accounts.models import Membership
from apps.activities.models import Activity
from apps.activities.selectors import counted, statistics
from apps.audit.models import AuditEvent
from apps.core.errors import Invalid
from apps.core.ids import uuid7_at
from apps.orders.models import Order
from apps.referrals.models import Partner
from apps.sites.calendar import PERIODS, Period, span
from apps.sites.selectors import current_site, midnight, site_day

SHOWN_DAYS, SHOWN_MONTHS = 30, 12


@dataclass(frozen=True)
class RevenueRow:
    """What one unit of the calendar brought in that begins on `start`. Minor units.

    `amount` of `orders` was paid, `refunded` of it given back since; `activities` that did not fail brought in `activity_amount`.
    `revenue` is both.
    """

    start: date
    orders: int
    amount: int
    refunded: int
    activities: int
    activity_amount: int

    @property
    def net(self) -> int:
        """Of the orders alone."""
        return self.amount - self.refunded

    @property
    def revenue(self) -> int:
        return self.net + self.activity_amount


@dataclass(frozen=True)
class Revenue:
    period: str
    first: date
    last: date
    currency: str
    rows: list[RevenueRow]

    @property
    def total(self) -> RevenueRow:
        counted = ("orders", "amount", "refunded", "activities", "activity_amount")
        return RevenueRow(self.first, *(sum(getattr(row, name) for row in self.rows) for name in counted))


def revenue(*, period: str, first: date | None = None, last: date | None = None) -> Revenue:
    """A row for every unit from `first` to `last`, both included and widened to whole units; empty ones are 0.

    Without bounds: 30 days, 12 months, or every year since the first sale or activity. Four queries at most.
    Raises Invalid: the bounds are the wrong way round, or there are more than 400 rows between them.
    """
    unit = PERIODS[period]
    units = span(unit, first=first or _default_start(unit, last or site_day()), last=last)
    sold = units.sums(_sold(), "paid_at", Count("pk"), Sum("amount"), Sum("refunded_amount"))
    done = units.sums(counted(Activity.objects.all()), "created_at", Count("pk"), Sum("cost"))
    listed = [
        RevenueRow(start, *map(int, (*sold.get(start, (0, 0, 0)), *done.get(start, (0, 0))))) for start in units.starts
    ]
    return Revenue(period, units.first, units.last, current_site().currency, listed)


def _default_start(unit: Period, last: date) -> date:
    if unit.name == "day":
        return unit.start(last, back=SHOWN_DAYS - 1)
    if unit.name == "month":
        return unit.start(last, back=SHOWN_MONTHS - 1)
    sold = _sold().order_by("paid_at").values_list("paid_at", flat=True).first()
    done = Activity.objects.order_by("created_at").values_list("created_at", flat=True).first()
    earliest = min((moment for moment in (sold, done) if moment), default=None)
    return site_day(earliest) if earliest else last


def _sold() -> QuerySet[Order]:
    return Order.objects.filter(paid_at__isnull=False)


def people() -> dict[str, Any]:
    """Who belongs to the site and who joined lately: users by type and standing, partners by status, days of joining."""
    today = site_day()
    first = today - timedelta(days=SHOWN_DAYS - 1)
    kinds = Membership.objects.order_by().values_list("user_type", "is_active").annotate(n=Count("pk"))
    counts = [(kind, active, int(n)) for kind, active, n in kinds]
    statuses = dict(Partner.objects.people().order_by().values_list("status").annotate(n=Count("pk")))
    zone = ZoneInfo(current_site().time_zone)
    joined: dict[date, int] = dict(
        Membership.objects.filter(joined_at__gte=midnight(first))
        .order_by()
        .annotate(day=TruncDate("joined_at", tzinfo=zone))
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    series = [{"date": day, "joined": joined.get(day, 0)} for day in (first + timedelta(n) for n in range(SHOWN_DAYS))]
    return {
        "total": sum(n for _, _, n in counts),
        "active": sum(n for _, active, n in counts if active),
        "by_type": {kind: sum(n for k, _, n in counts if k == kind) for kind in Membership.Kind.values},
        "partners": {
            "total": sum(statuses.values()),
            **{status: statuses.get(status, 0) for status in Partner.Status.values},
        },
        "joined": {
            "today": series[-1]["joined"],
            "last_7_days": sum(row["joined"] for row in series[-7:]),
            "last_30_days": sum(row["joined"] for row in series),
        },
        "series": series,
    }


def enterprises() -> QuerySet[Membership]:
    """Memberships of enterprises, each with `sub_users_total`, `active_sub_users`, and what they and their sub-users bought
    and did: `orders`, `amount`, `refunded`, `activities`, `activity_amount`, in minor units. Sums are correlated: a page pays for
    its own rows."""
    theirs = Membership.objects.filter(enterprise=OuterRef("pk")).order_by().values("enterprise")
    bought = (
        Order.objects.filter(paid_at__isnull=False)
        .filter(
            Q(user_id=OuterRef("user_id"))
            | Q(user_id__in=Membership.objects.filter(enterprise=OuterRef(OuterRef("pk"))).values("user_id"))
        )
        .order_by()
        .values("site")
    )

    done = (
        Activity.objects.filter(payer_id=OuterRef("user_id"))
        .exclude(status=Activity.Status.FAILED)
        .order_by()
        .values("payer")
    )

    def of(rows: Any, figure: Any) -> Coalesce:
        return Coalesce(Subquery(rows.annotate(n=figure).values("n")), 0, output_field=BigIntegerField())

    return (
        Membership.objects.filter(user_type=Membership.Kind.ENTERPRISE)
        .select_related("user")
        .annotate(
            sub_users_total=of(theirs, Count("pk")),
            active_sub_users=of(theirs, Count("pk", filter=Q(is_active=True))),
            orders=of(bought, Count("pk")),
            amount=of(bought, Sum("amount")),
            refunded=of(bought, Sum("refunded_amount")),
            activities=of(done, Count("pk")),
            activity_amount=of(done, Sum("cost")),
        )
    )


def acts(*, first: date | None = None, last: date | None = None) -> dict[str, Any]:
    """The activity monitor: what was done at the site in a range of days, and by whom, from the audit; and the `activities` of
    members, with what they paid for them (apps.activities).

    Raises Invalid: the range ends before it begins, or is longer than 31 days.
    """
    last = last or site_day()
    first = first or last - timedelta(days=6)
    if first > last or (last - first).days >= 31:
        raise Invalid("invalid", "A range of 1 to 31 days.", field="from")
    # Ids begin with their time, so a range of days is a range of the primary key.
    begin, end = uuid7_at(midnight(first)), uuid7_at(midnight(last + timedelta(days=1)))
    events = AuditEvent.objects.filter(pk__gte=begin, pk__lt=end).order_by()
    zone = ZoneInfo(current_site().time_zone)
    days: dict[date, int] = dict(
        events.annotate(day=TruncDate("created_at", tzinfo=zone)).values_list("day").annotate(n=Count("pk"))
    )
    actors = events.values_list("actor_kind", "actor_name").annotate(n=Count("pk")).order_by("-n", "actor_name")[:20]
    return {
        "first": first,
        "last": last,
        "activities": statistics(Activity.objects.all(), first=first, last=last),
        "total": sum(days.values()),
        "by_action": dict(events.values_list("action").annotate(n=Count("pk")).order_by("-n", "action")[:50]),
        "by_actor": [{"kind": kind, "name": name, "count": n} for kind, name, n in actors],
        "series": [
            {"date": day, "count": days.get(day, 0)}
            for day in (first + timedelta(n) for n in range((last - first).days + 1))
        ],
    }
