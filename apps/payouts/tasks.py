"""Payouts on their way: sent soon after the decision, asked about until they are over; batches and comparisons that are due;
accounts at Stripe that are to be asked about."""

import logging

from celery import shared_task
from django.db import connection
from django.utils import timezone

from apps.core.errors import DomainError
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.payouts import services
from apps.payouts.gateways import Unknown
from apps.payouts.models import ConnectAccount, PayoutTransfer
from apps.payouts.services import connecting

logger = logging.getLogger(__name__)

BATCH = 200
GIVE_UP = 3
"""So many without an answer, one after the other, and the rest waits for the next sweep: each costs a time-out."""


@shared_task
def sweep_payouts() -> int:
    """One task for each site where a payout is due to be sent or asked about."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT site_id FROM payouts_transfers_due()")
        sites = [row[0] for row in cursor.fetchall()]
    for site_id in sites:
        push_payouts_of_site.delay(str(site_id))
    return len(sites)


@shared_task
def push_payouts_of_site(site_id: str) -> int:
    """How many were at least asked about."""
    with site_context(site_id):
        due = PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN, next_at__lte=timezone.now())
        ids = list(due.order_by("next_at", "id").values_list("pk", flat=True)[:BATCH])
    done = unanswered = 0
    for transfer_id in ids:
        try:
            done += services.push_transfer(site_id=site_id, transfer_id=transfer_id)
            unanswered = 0
        except Unknown as error:
            unanswered += 1
            logger.warning("payouts.unknown", extra={"transfer": str(transfer_id), "why": str(error)})
            if unanswered == GIVE_UP:
                break
    if len(ids) == BATCH and unanswered < GIVE_UP:
        push_payouts_of_site.delay(site_id)  # more wait: not only at the next sweep
    return done


@shared_task
def propose_due_batches() -> int:
    """A batch for each site whose schedule says so today. It waits for people; nothing is paid by a timer."""
    made = 0
    for site_id in site_ids():
        with site_context(site_id):
            made += services.propose_due() is not None
    return made


@shared_task
def reconcile_sites() -> int:
    """Compare with every gateway's own records. Returns how many differences there are."""
    return sum(services.reconcile_and_keep(site_id=site_id) for site_id in site_ids())


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
