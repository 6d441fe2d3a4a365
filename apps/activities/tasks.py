"""Files of long reports, and the end of old ones."""

from celery import shared_task
from django.db import connection

from apps.activities import services
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context


@shared_task
def finish_activity(site_id: str, activity_id: str) -> str:
    return services.finish(site_id=site_id, activity_id=activity_id)


@shared_task
def finish_activities() -> int:
    """What the wake-up after a commit missed, or a worker left behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT site_id, activity_id FROM activities_running()")
        found = cursor.fetchall()
    for site_id, activity_id in found:
        finish_activity.delay(str(site_id), str(activity_id))
    return len(found)


@shared_task
def forget_files() -> int:
    gone = 0
    for site_id in site_ids():
        with site_context(site_id):
            gone += services.forget_files()
    return gone
