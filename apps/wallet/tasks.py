"""What happens by itself when a time is over: deposits that nobody paid lapse."""

from celery import shared_task

from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.wallet import services

BATCH = 200


@shared_task
def lapse_deposits() -> int:
    """The sweep. Each site in a task of its own: one that waits for Stripe keeps nobody else."""
    waiting = 0
    for site_id in site_ids():
        with site_context(site_id):
            found = bool(services.lapsed_deposits(1))
        if found:
            lapse_deposits_of_site.delay(site_id)
            waiting += 1
    return waiting


@shared_task
def lapse_deposits_of_site(site_id: str) -> int:
    with site_context(site_id):
        ids = services.lapsed_deposits(BATCH)
    return sum(services.lapse_deposit(site_id=site_id, deposit_id=pk) for pk in ids)
