"""The front page of the mode that reads all sites: the sites side by side, each in its own currency."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, Sum
from django.http import HttpRequest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.words import said
from apps.commissions.models import Commission
from apps.core.backoffice import UplineModelAdmin, holds
from apps.core.tenancy import KnownSite, known_sites, site_context, site_of
from apps.orders.models import Order
from apps.payouts.models import Payout
from apps.referrals.models import Partner
from apps.wallet.models import Balance, Pocket

DAYS, SHOWN = 14, 8


@dataclass(frozen=True)
class SiteFigures:
    """One site. None is what the caller's role doesn't see. Amounts in minor units of the site's currency."""

    site: KnownSite
    partners: int | None
    revenue: int | None
    waiting: int | None
    owed: int | None


@dataclass(frozen=True)
class Said:
    site: str
    actor: str
    said: str
    target: str
    at: datetime


@dataclass(frozen=True)
class AllSites:
    days: int
    figures: list[SiteFigures]
    activity: list[Said] | None
    left_out: list[str]


def all_sites(request: HttpRequest) -> AllSites:
    """A fixed number of queries for each site, each narrowed to it by the audit role's own policies."""
    figures = []
    for site in known_sites():
        with site_context(site.id, using="audit"):
            figures.append(_figures(request, site))
    activity = _activity() if holds(request, ("user.read", "permission.read")) else None
    return AllSites(DAYS, figures, activity, _left_out())


def _figures(request: HttpRequest, site: KnownSite) -> SiteFigures:
    since = timezone.now() - timedelta(days=DAYS)
    partners = revenue = waiting = owed = None
    if holds(request, ("affiliate.read", "affiliate.manage")):
        partners = Partner.objects.people().order_by().count()
    if holds(request, ("order.read", "analytics.read")):
        paid = Order.objects.filter(paid_at__gte=since).order_by()
        sums = paid.aggregate(total=Sum("amount"), refunded=Sum("refunded_amount"))
        revenue = int(sums["total"] or 0) - int(sums["refunded"] or 0)
    if holds(request, ("commission.read", "payout.read")):
        ready = Commission.objects.filter(status=Commission.Status.PENDING, hold_until__lte=timezone.now())
        payouts = Payout.objects.filter(Q(status=Payout.Status.REQUESTED) | Q(status=Payout.Status.APPROVED))
        waiting = ready.order_by().count() + payouts.order_by().count()
    if holds(request, ("payout.read", "billing.read")):
        kept = Balance.objects.filter(account__kind__in=(Pocket.EARNINGS, Pocket.HELD)).order_by()
        owed = int(kept.aggregate(total=Sum("balance"))["total"] or 0)
    return SiteFigures(site, partners, revenue, waiting, owed)


def _activity() -> list[Said]:
    return [
        Said(site_of(event.site_id).code, event.actor_name, said(event.action), event.target_name, event.created_at)
        for event in AuditEvent.objects.order_by("-id")[:SHOWN]
    ]


def _left_out() -> list[str]:
    """The lists that only make sense at one site, by name."""
    screens: list[Any] = [screen for screen in admin.site._registry.values() if isinstance(screen, UplineModelAdmin)]
    names = (str(screen.plural or screen.opts.verbose_name_plural) for screen in screens if not screen.is_offered())
    return sorted(name[:1].upper() + name[1:] for name in names)
