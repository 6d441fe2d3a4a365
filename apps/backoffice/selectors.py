"""What the back office's front page shows, in a fixed number of queries. Only what the caller's role may see."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.words import said
from apps.commissions.models import Commission
from apps.core.models import OutboxEvent
from apps.core.money import exponent
from apps.orders.models import Order
from apps.payouts.models import Payout
from apps.rbac.access import access_of
from apps.referrals.models import Partner
from apps.sites.selectors import current_site, site_day
from apps.wallet.models import Balance, Books, Pocket, Posting

DAYS = 14
SHOWN = 8


@dataclass(frozen=True)
class Figure:
    """A number with its amount in minor units. With `url` it waits for a person, and leads to the list."""

    label: str
    count: int
    amount: int | None = None
    note: str = ""
    url: str = ""
    tone: str = "unknown"


@dataclass(frozen=True)
class Day:
    date: date
    amount: int
    y: str
    height: str


@dataclass(frozen=True)
class Revenue:
    """Columns on one axis, as percentages for SVG attributes."""

    days: list[Day]
    ticks: list[int]

    @property
    def total(self) -> int:
        return sum(day.amount for day in self.days)

    @property
    def lines(self) -> int:
        return len(self.ticks) - 1


@dataclass(frozen=True)
class BooksNow:
    """What the site owes and has paid, from the pockets and the payouts; beside it the same from its own accounts."""

    parts: list[tuple[str, int]]
    ledger: int
    pending: int

    @property
    def sum(self) -> int:
        return sum(amount for _, amount in self.parts)

    @property
    def agree(self) -> bool:
        return self.sum == self.ledger


@dataclass(frozen=True)
class Said:
    actor_name: str
    said: str
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class Home:
    currency: str
    queues: list[Figure]
    today: list[Figure]
    revenue: Revenue | None
    books: BooksNow | None
    activity: list[Said] | None


def home(request: HttpRequest) -> Home:
    site, may = current_site(), access_of(request).at_site
    return Home(
        currency=site.currency,
        queues=_queues(may),
        today=_today(may),
        revenue=revenue_by_day() if may("order.read") or may("analytics.read") else None,
        books=books_now() if may("payout.read") or may("billing.read") else None,
        activity=_activity() if may("user.read") or may("permission.read") else None,
    )


def _queues(may: Any) -> list[Figure]:
    found = []
    if may("commission.read") or may("commission.approve"):
        ready = Commission.objects.filter(status=Commission.Status.PENDING, hold_until__lte=timezone.now())
        note = "to approve, hold over"
        found.append(_sum("Commissions", ready, note, "commissions_commission", "ready=yes", "pending"))
    if may("payout.read") or may("payout.approve") or may("payout.manage"):
        payouts = Payout.objects.aggregate(**_by_status("requested"), **_by_status("approved"))
        for status, label, note, tone in (
            ("requested", "Payouts to review", "asked for", "requested"),
            ("approved", "Payouts to send", "approved", "approved"),
        ):
            url = _list("payouts_payout", f"status__exact={status}")
            count, amount = payouts[f"{status}_count"], payouts[f"{status}_sum"] or 0
            found.append(Figure(label, count, amount, note, url, tone))
    if may("affiliate.read") or may("affiliate.manage"):
        frozen = Partner.objects.people().order_by().filter(status=Partner.Status.FROZEN).count()
        url = _list("referrals_partner", "status__exact=frozen")
        found.append(Figure("Frozen partners", frozen, None, "earn and are paid nothing", url, "frozen"))
    if may("analytics.read") or may("permission.manage"):
        dead = OutboxEvent.objects.filter(dead_at__isnull=False).count()
        url = _list("core_outboxevent", "state=dead")
        found.append(
            Figure("Failed jobs", dead, None, "to look at and try again", url, "rejected" if dead else "unknown")
        )
    return found


def _by_status(status: str) -> dict[str, Any]:
    chosen = Q(status=status)
    return {f"{status}_count": Count("pk", filter=chosen), f"{status}_sum": Sum("amount", filter=chosen)}


def _sum(label: str, rows: QuerySet[Any], note: str, model: str, query: str, tone: str) -> Figure:
    found = rows.order_by().aggregate(count=Count("pk"), amount=Sum("amount"))
    return Figure(label, found["count"], found["amount"] or 0, note, _list(model, query), tone)


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{query}"


def _today(may: Any) -> list[Figure]:
    start, found = _midnight(site_day()), []
    if may("affiliate.read") or may("affiliate.manage"):
        joined = Partner.objects.people().order_by().filter(joined_at__gte=start).count()
        found.append(Figure("Joined today", joined, None, "new partners"))
    if may("order.read") or may("order.update"):
        orders = Order.objects.filter(paid_at__gte=start)
        paid = orders.order_by().aggregate(count=Count("pk"), amount=Sum("amount"))
        found.append(Figure("Orders today", paid["count"], paid["amount"] or 0, "paid"))
    return found


def revenue_by_day() -> Revenue:
    """What was paid on each of the last days of the site's calendar, less what was refunded of it since. One query."""
    zone, today = ZoneInfo(current_site().time_zone), site_day()
    first = today - timedelta(days=DAYS - 1)
    rows = (
        Order.objects.filter(paid_at__gte=_midnight(first))
        .order_by()
        .annotate(day=TruncDate("paid_at", tzinfo=zone))
        .values_list("day")
        .annotate(total=Sum("amount") - Sum("refunded_amount"))
    )
    found = {day: int(total) for day, total in rows}
    amounts = [(first + timedelta(n), found.get(first + timedelta(n), 0)) for n in range(DAYS)]
    ticks = _ticks(max(amount for _, amount in amounts), 10 ** exponent(current_site().currency))
    top = ticks[0]
    days = [Day(day, amount, _percent(top - amount, top), _percent(amount, top)) for day, amount in amounts]
    return Revenue(days, ticks)


def books_now() -> BooksNow:
    """Three queries. The ledger's side is read from the postings on the site's own accounts, which carry no balance."""
    held = dict(Balance.objects.order_by().values_list("account__kind").annotate(total=Sum("balance")))
    booked = dict(
        Posting.objects.filter(account__user=None).order_by().values_list("account__kind").annotate(total=Sum("amount"))
    )
    pending = Commission.objects.filter(status=Commission.Status.PENDING).order_by().aggregate(total=Sum("amount"))
    paid = Payout.objects.filter(status=Payout.Status.COMPLETED).order_by().aggregate(total=Sum("amount"))
    parts = [
        ("Payable", int(held.get(Pocket.EARNINGS, 0))),
        ("In flight", int(held.get(Pocket.HELD, 0))),
        ("Paid since the start", int(paid["total"] or 0)),
        ("Owed by partners", int(held.get(Pocket.OWED, 0))),
    ]
    if held.get(Pocket.FUNDS):
        parts.append(("Funds", int(held[Pocket.FUNDS])))
    ledger = -sum(int(total) for kind, total in booked.items() if kind != Books.PAYOUTS)
    return BooksNow(parts, ledger, int(pending["total"] or 0))


def _activity() -> list[Said]:
    return [
        Said(event.actor_name, f"{said(event.action)} {event.target_name}".strip(), event.reason, event.created_at)
        for event in AuditEvent.objects.order_by("-id")[:SHOWN]
    ]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(current_site().time_zone))


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%"


def _ticks(highest: int, unit: int) -> list[int]:
    """Two or three equal steps of 1, 2 or 5 times a power of ten, the fewest that reach `highest`."""
    scale = unit
    while True:
        for step in (scale, 2 * scale, 5 * scale):
            for lines in (2, 3):
                if highest <= step * lines:
                    return [step * line for line in range(lines, -1, -1)]
        scale *= 10
