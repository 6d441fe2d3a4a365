"""Payouts on their way: sent soon after the decision, asked about until they are over; batches and comparisons that are due;
accounts at Stripe that are to be asked about."""

from functools import partial

from celery import shared_task
from django.utils import timezone

from apps.core.errors import DomainError
from apps.core.sweeping import each_site_of, one_by_one
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.payouts import services
from apps.payouts.gateways import Unknown
from apps.payouts.models import ConnectAccount, PayoutTransfer
from apps.payouts.services import connecting

BATCH = 200


@shared_task
def sweep_payouts() -> int:
    """One task for each site where a payout is due to be sent or asked about."""
    return each_site_of("payouts_transfers_due", push_payouts_of_site)


@shared_task
def push_payouts_of_site(site_id: str) -> int:
    """How many were at least asked about."""
    with site_context(site_id):
        due = PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN, next_at__lte=timezone.now())
        ids = list(due.order_by("next_at", "id").values_list("pk", flat=True)[:BATCH])
    push = partial(services.push_transfer, site_id=site_id)
    done, answers = one_by_one(ids, lambda pk: push(transfer_id=pk), unanswered=Unknown, what="payout")
    if answers and len(ids) == BATCH:
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
    return each_site_of("payouts_accounts_to_check", check_accounts_of_site)


@shared_task
def check_accounts_of_site(site_id: str) -> int:
    """How many were asked about."""
    with site_context(site_id):
        due = ConnectAccount.objects.filter(check_at__lte=timezone.now()).order_by("check_at")
        ids = list(due.values_list("pk", flat=True)[:BATCH])
    check = partial(connecting.check_account, site_id=site_id)
    done, _ = one_by_one(ids, lambda pk: check(account_pk=pk), unanswered=DomainError, what="account")
    return done
