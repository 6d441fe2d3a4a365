"""Transfers on their way: sent soon after their batch, asked about until they are over."""

import logging

from celery import shared_task
from django.db import connection
from django.utils import timezone

from apps.allocations import services
from apps.allocations.models import Transfer
from apps.core.tenancy import site_context
from apps.custody.gateways import Unknown

logger = logging.getLogger(__name__)

BATCH = 200
GIVE_UP = 3
"""So many without an answer, one after the other, and the rest waits for the next sweep: each costs a time-out."""


@shared_task
def sweep_transfers() -> int:
    """One task for each site where a transfer is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT site_id FROM allocations_transfers_due()")
        sites = [row[0] for row in cursor.fetchall()]
    for site_id in sites:
        push_transfers_of_site.delay(str(site_id))
    return len(sites)


@shared_task
def push_transfers_of_site(site_id: str) -> int:
    """How many were at least asked about."""
    with site_context(site_id):
        due = Transfer.objects.filter(status__in=Transfer.OPEN, next_at__lte=timezone.now()).order_by("next_at", "id")
        ids = list(due.values_list("pk", flat=True)[:BATCH])
    done = unanswered = 0
    for transfer_id in ids:
        try:
            done += services.push_transfer(site_id=site_id, transfer_id=transfer_id)
            unanswered = 0
        except Unknown as error:
            unanswered += 1
            logger.warning("allocations.unknown", extra={"transfer": str(transfer_id), "why": str(error)})
            if unanswered == GIVE_UP:
                break
    return done
