"""What happens by itself when a hold is over."""

from celery import shared_task

from apps.commissions import selectors, services
from apps.core.tenancy import site_context

BATCH = 500


@shared_task
def approve_due_commissions() -> int:
    """The sweep: one task for each site where something is due."""
    sites = selectors.sites_with_due_commissions()
    for site_id in sites:
        approve_due_of_site.delay(str(site_id))
    return len(sites)


@shared_task
def approve_due_of_site(site_id: str) -> int:
    """In batches, each committed by itself, so that a large day holds no lock for long."""
    approved = 0
    while True:
        with site_context(site_id):
            done = services.approve_due(limit=BATCH)
        approved += done
        if done < BATCH:
            return approved
