"""What the back office's front page shows, in a fixed number of queries. Only what the caller's role may see."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.audit import words
from apps.audit.models import AuditEvent
from apps.backoffice.selectors.books import BooksNow, books_now
from apps.commissions.models import Commission
from apps.core.backoffice.charts import Columns, columns
from apps.core.models import OutboxEvent
from apps.core.money import exponent, format_money
from apps.fraud.models import Review
from apps.orders.models import Order
from apps.payments.models import PaymentRefund
from apps.payouts.models import Payout, PayoutBatch
from apps.rbac.access import access_of
from apps.referrals.models import Partner
from apps.reports.selectors import enterprises, people, revenue
from apps.sites.calendar import PERIODS
from apps.sites.selectors import current_site, midnight, site_day

DAYS = 14
SHOWN, LOOKED_AT = 8, 200


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
class Said:
    actor_name: str
    said: str
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class RevenueChart:
    """What was paid less what was given back, in one of `periods`."""

    period: str
    periods: list[tuple[str, str]]
    said: str
    chart: Columns


@dataclass(frozen=True)
class People:
    """Who belongs to the site: (kind, number) of the kinds it has, and a column for each day of joining."""

    total: int
    active: int
    kinds: list[tuple[str, int]]
    partners: list[tuple[str, int]]
    joined_today: int
    chart: Columns

    @property
    def suspended(self) -> int:
        return self.total - self.active


@dataclass(frozen=True)
class Home:
    currency: str
    queues: list[Figure]
    today: list[Figure]
    revenue: RevenueChart | None
    books: BooksNow | None
    people: People | None
    enterprises: list[Any]
    activity: list[Said] | None


def home(request: HttpRequest) -> Home:
    """`?revenue=day|month|year` chooses what a column is."""
    site, may = current_site(), access_of(request).at_site
    analyst = may("analytics.read")
    return Home(
        currency=site.currency,
        queues=_queues(may),
        today=_today(may),
        revenue=_revenue(request.GET.get("revenue", "day")) if may("order.read") or analyst else None,
        books=books_now() if may("payout.read") or may("billing.read") else None,
        people=_people() if analyst else None,
        enterprises=list(enterprises().order_by("-id")[:SHOWN]) if analyst else [],
        activity=_activity() if may("user.read") or may("permission.read") else None,
    )


def _queues(may: Any) -> list[Figure]:
    found = []
    if may("commission.read") or may("commission.approve"):
        found.append(_commissions())
    if may("payout.read") or may("payout.approve") or may("payout.manage"):
        payouts = Payout.objects.aggregate(**_by_status("requested"), **_by_status("approved"))
        for status, label, note, tone in (
            ("requested", "Payouts to review", "asked for", "requested"),
            ("approved", "Payouts to send", "approved", "approved"),
        ):
            url = _list("payouts_payout", f"status__exact={status}")
            count, amount = payouts[f"{status}_count"], payouts[f"{status}_sum"] or 0
            found.append(Figure(label, count, amount, note, url, tone))
        found.append(_batches())
    if may("order.update"):
        found.append(_sent_back())
    if may("affiliate.manage") or may("referral.bonus.freeze"):
        found.append(_reviews())
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


def _batches() -> Figure:
    """Proposed ones, by a person or by the schedule: nobody is paid until somebody has looked."""
    proposed = PayoutBatch.objects.order_by().filter(status=PayoutBatch.Status.PROPOSED)
    found = proposed.aggregate(count=Count("pk"), sum=Sum("amount"))
    url = _list("payouts_payoutbatch", "status__exact=proposed")
    return Figure("Payout batches to approve", found["count"], found["sum"] or 0, "proposed", url, "pending")


def _commissions() -> Figure:
    """Both sums in one pass over the pending ones: those to decide, and those still held."""
    over = Q(hold_until__lte=timezone.now())
    found = (
        Commission.objects.filter(status=Commission.Status.PENDING)
        .order_by()
        .aggregate(due=Count("pk", filter=over), due_sum=Sum("amount", filter=over), held=Sum("amount", filter=~over))
    )
    held = f", {format_money(found['held'], current_site().currency)} held" if found["held"] else ""
    url = _list("commissions_commission", "ready=yes")
    return Figure("Commissions", found["due"], found["due_sum"] or 0, f"to approve{held}", url, "pending")


def _reviews() -> Figure:
    """About whom enough was noticed; of some nothing leaves the wallet until somebody decides."""
    holds = Q(level__in=Review.HOLDS)
    found = Review.objects.filter(status=Review.Status.OPEN).order_by()
    open_ = found.aggregate(count=Count("pk"), held=Count("pk", filter=holds))
    url = _list("fraud_review", "status__exact=open")
    note = f"to look at, {open_['held']} of them held" if open_["held"] else "to look at"
    return Figure("Fraud reviews", open_["count"], None, note, url, "pending" if open_["count"] else "unknown")


def _sent_back() -> Figure:
    """What buyers are owed since a bank sent it back."""
    owed = PaymentRefund.objects.filter(owed=True).order_by().aggregate(count=Count("pk"), amount=Sum("amount"))
    url = _list("payments_paymentrefund", "owed__exact=1")
    tone = "pending" if owed["count"] else "unknown"
    return Figure("Refunds the bank sent back", owed["count"], owed["amount"] or 0, "to send again", url, tone)


def _by_status(status: str) -> dict[str, Any]:
    chosen = Q(status=status)
    return {f"{status}_count": Count("pk", filter=chosen), f"{status}_sum": Sum("amount", filter=chosen)}


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{query}"


def _today(may: Any) -> list[Figure]:
    start, found = midnight(site_day()), []
    if may("affiliate.read") or may("affiliate.manage"):
        joined = Partner.objects.people().order_by().filter(joined_at__gte=start).count()
        found.append(Figure("Joined today", joined, None, "new partners"))
    if may("order.read") or may("order.update"):
        orders = Order.objects.filter(paid_at__gte=start)
        paid = orders.order_by().aggregate(count=Count("pk"), amount=Sum("amount"))
        found.append(Figure("Orders today", paid["count"], paid["amount"] or 0, "paid"))
    return found


def _revenue(period: str) -> RevenueChart:
    period = period if period in PERIODS else "day"
    first = site_day() - timedelta(days=DAYS - 1) if period == "day" else None
    found, currency = revenue(period=period, first=first), current_site().currency
    unit = PERIODS[period]
    rows = [(unit.named(row.start), unit.short(row.start), row.revenue) for row in found.rows]
    chart = columns(rows, unit=10 ** exponent(currency))
    said = {"day": f"Last {DAYS} days", "month": "Last 12 months", "year": "Every year"}[period]
    return RevenueChart(period, [(unit.name, unit.plural) for unit in PERIODS.values()], said, chart)


def _people() -> People:
    found = people()
    day = PERIODS["day"]
    chart = columns(
        [(day.named(row["date"]), day.short(row["date"]), row["joined"]) for row in found["series"][-DAYS:]]
    )
    kinds = [(label, found["by_type"][kind]) for kind, label in Membership.Kind.choices if found["by_type"][kind]]
    partners = [(str(label), found["partners"][status]) for status, label in Partner.Status.choices]
    return People(found["total"], found["active"], kinds, partners, found["joined"]["today"], chart)


def _activity() -> list[Said]:
    """The newest acts, those of one kind by one person in a row told as one: "approved 41 commissions"."""
    events = AuditEvent.objects.order_by("-id")[:LOOKED_AT]
    runs = (list(run) for _, run in groupby(events, key=lambda event: (event.actor_name, event.action, event.reason)))
    return [_said(run) for run in islice(runs, SHOWN)]


def _said(run: list[AuditEvent]) -> Said:
    """One act names what it was done to."""
    newest, told = run[0], words.said(run[0].action, times=len(run))
    if len(run) == 1 and newest.target_name:
        told = f"{told}, {newest.target_name}"
    return Said(newest.actor_name, told, newest.reason, newest.created_at)
