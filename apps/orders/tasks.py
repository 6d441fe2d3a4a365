"""What happens by itself when a time is over: orders that nobody paid lapse, services end."""

from celery import shared_task

from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.orders import services

BATCH = 200


@shared_task
def lapse_orders() -> int:
    """The sweep. Each site in a task of its own: one that waits for Stripe keeps nobody else."""
    waiting = 0
    for site_id in site_ids():
        with site_context(site_id):
            found = bool(services.lapsed_orders(1))
        if found:
            lapse_orders_of_site.delay(site_id)
            waiting += 1
    return waiting


@shared_task
def lapse_orders_of_site(site_id: str) -> int:
    with site_context(site_id):
        ids = services.lapsed_orders(BATCH)
    return sum(services.lapse_order(site_id=site_id, order_id=pk) for pk in ids)


@shared_task
def expire_services() -> int:
    expired = 0
    for site_id in site_ids():
        with site_context(site_id):
            expired += services.expire_services()
    return expired
