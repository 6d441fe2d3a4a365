"""Transfers on their way: sent soon after their batch, asked about until they are over."""

from functools import partial

from celery import shared_task
from django.utils import timezone

from apps.allocations import services
from apps.allocations.models import Transfer
from apps.core.sweeping import each_site_of, one_by_one
from apps.core.tenancy import site_context
from apps.custody.gateways import Unknown

BATCH = 200


@shared_task
def sweep_transfers() -> int:
    """One task for each site where a transfer is due."""
    return each_site_of("allocations_transfers_due", push_transfers_of_site)


@shared_task
def push_transfers_of_site(site_id: str) -> int:
    """How many were at least asked about."""
    with site_context(site_id):
        due = Transfer.objects.filter(status__in=Transfer.OPEN, next_at__lte=timezone.now()).order_by("next_at", "id")
        ids = list(due.values_list("pk", flat=True)[:BATCH])
    push = partial(services.push_transfer, site_id=site_id)
    done, _ = one_by_one(ids, lambda pk: push(transfer_id=pk), unanswered=Unknown, what="transfer")
    return done
