"""What the back office has made before somebody asks."""

from celery import shared_task

from apps.backoffice.selectors import books
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context


@shared_task
def renew_books() -> int:
    """The books of sites where they take long, so that nobody waits for them. Returns how many."""
    renewed = 0
    for site_id in site_ids():
        with site_context(site_id):
            if books.kept_books() is not None:
                books.make_books()
                renewed += 1
    return renewed
