"""Accounts at Stripe that are to be asked about."""

import logging

from celery import shared_task
from django.db import connection
from django.utils import timezone

from apps.core.errors import DomainError
from apps.core.tenancy import site_context
from apps.payouts.models import ConnectAccount
from apps.payouts.services import connecting

logger = logging.getLogger(__name__)

BATCH = 200
GIVE_UP = 3
"""So many without an answer, one after the other, and the rest waits for the next sweep: each costs a time-out."""


@shared_task
def check_accounts() -> int:
    """The sweep: one task for each site where an account is to be asked about."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT site_id FROM payouts_accounts_to_check()")
        sites = [row[0] for row in cursor.fetchall()]
    for site_id in sites:
        check_accounts_of_site.delay(str(site_id))
    return len(sites)


@shared_task
def check_accounts_of_site(site_id: str) -> int:
    """How many were asked about."""
    with site_context(site_id):
        due = ConnectAccount.objects.filter(check_at__lte=timezone.now()).order_by("check_at")
        ids = list(due.values_list("pk", flat=True)[:BATCH])
    done = unanswered = 0
    for pk in ids:
        try:
            done += connecting.check_account(site_id=site_id, account_pk=pk)
            unanswered = 0
        except DomainError as error:
            unanswered += 1
            logger.warning("payouts.account_unknown", extra={"account": str(pk), "why": str(error)})
            if unanswered == GIVE_UP:
                break
    return done
