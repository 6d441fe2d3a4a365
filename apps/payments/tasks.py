"""Refunds that still have to be made at Stripe."""

import logging

from celery import shared_task

from apps.core.errors import Unavailable
from apps.core.sweeping import each_site_of
from apps.core.tenancy import site_context
from apps.payments import services
from apps.payments.models import PaymentRefund

logger = logging.getLogger(__name__)

BATCH = 200


@shared_task
def send_one_refund(site_id: str, refund_id: str) -> None:
    """Stripe doesn't answer: the sweep asks again."""
    try:
        services.send_refund(site_id=site_id, refund_id=refund_id)
    except Unavailable:
        logger.warning("payments.refund_unknown", extra={"refund": refund_id})


@shared_task
def send_refunds() -> int:
    """The sweep: one task for each site where a refund waits."""
    return each_site_of("payments_refunds_waiting", send_refunds_of_site)


@shared_task
def send_refunds_of_site(site_id: str) -> int:
    with site_context(site_id):
        waiting = PaymentRefund.objects.filter(status=PaymentRefund.Status.REQUESTED, provider_id=None).order_by("id")
        ids = list(waiting.values_list("pk", flat=True)[:BATCH])
    for refund_id in ids:
        send_one_refund(site_id, str(refund_id))
    return len(ids)
