"""What happens by itself when a time is over: old evidence is forgotten. Nothing that is held or frozen is released by it."""

from celery import shared_task

from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.fraud import services


@shared_task
def forget_evidence() -> int:
    forgotten = 0
    for site_id in site_ids():
        with site_context(site_id):
            forgotten += services.forget()
    return forgotten
