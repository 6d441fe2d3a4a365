"""What the back office's front page shows, in a fixed number of queries."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.payouts.models import Payout
from apps.rbac.access import access_of
from apps.referrals.models import Partner
from apps.sites.selectors import current_site


@dataclass(frozen=True)
class Queue:
    """Something that waits for a person: how many, and worth how much in minor units."""

    label: str
    url: str
    status: str
    count: int
    amount: int | None
    filter: str = ""


@dataclass(frozen=True)
class Home:
    currency: str
    queues: list[Queue]
    joined_today: int
    activity: list[AuditEvent]


def home(request: HttpRequest) -> Home:
    """Only what the caller's role may see."""
    access = access_of(request)
    queues = []
    if access.at_site("payout.read"):
        queues.append(
            _queue(
                "Payouts to review", "payouts_payout", "pending", "requested", Payout.objects.filter(status="requested")
            )
        )
        queues.append(
            _queue(
                "Payouts to send", "payouts_payout", "approved", "approved", Payout.objects.filter(status="approved")
            )
        )
    if access.at_site("affiliate.read"):
        frozen = Partner.objects.people().filter(status=Partner.Status.FROZEN).count()
        queues.append(Queue("Frozen partners", "admin:referrals_partner_changelist", "frozen", frozen, None))
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Home(
        currency=current_site().currency,
        queues=queues,
        joined_today=Partner.objects.people().filter(joined_at__gte=today).count(),
        activity=list(AuditEvent.objects.order_by("-id")[:8]) if access.at_site("user.read") else [],
    )


def _queue(label: str, model: str, tone: str, chosen: str, rows: QuerySet[Any]) -> Queue:
    found = rows.aggregate(count=Count("pk"), amount=Sum("amount"))
    return Queue(label, f"admin:{model}_changelist", tone, found["count"], found["amount"] or 0, chosen)
