"""Mail out, and the digests of the day that is over."""

from uuid import UUID

from celery import shared_task

from apps.core.sweeping import each_site_of
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.notifications import services
from apps.notifications.models import Mail


@shared_task
def send_due(site_id: str) -> int:
    """One after the other; several workers share them by the claim. Where the server takes none, the rest wait for the sweep.
    What a worker left behind is settled first."""
    with site_context(site_id):
        services.settle_lost()
        ids: list[UUID] = services.due_mails()
    done = 0
    for pk in ids:
        outcome = services.send_mail(site_id=site_id, mail_id=pk)
        if outcome == Mail.Status.QUEUED:
            break
        done += bool(outcome)
    return done


@shared_task
def sweep_mail() -> int:
    """One task for each site with mail that waits or was left behind. Also the answer to a lost wake-up."""
    return each_site_of("notifications_waiting", send_due)


@shared_task
def make_digests() -> int:
    """Of the day that is over at each site. Returns how many."""
    made = 0
    for site_id in site_ids():
        with site_context(site_id):
            made += services.make_digests()
    return made
