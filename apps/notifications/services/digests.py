"""One mail a day of what somebody wants to hear once a day; the day is the site's."""

from datetime import timedelta

from django.db import transaction

from apps.notifications.models import DIGEST, Mail, Notification
from apps.notifications.services.telling import queue
from apps.sites.selectors import midnight, site_day

MOST_PEOPLE = 500


@transaction.atomic
def make_digests(*, limit: int = MOST_PEOPLE) -> int:
    """For everybody who has news of days that are over. A person has one a day, however often this runs. Returns how many."""
    today = site_day()
    waiting = Notification.objects.filter(in_digest=True, digest=None, created_at__lt=midnight(today))
    people = list(waiting.order_by("user_id").values_list("user_id", flat=True).distinct()[:limit])
    day = (today - timedelta(days=1)).isoformat()
    queue([Mail(user_id=user_id, kind=DIGEST, key=day, params={"day": day}) for user_id in people])
    for mail in Mail.objects.filter(kind=DIGEST, key=day, user_id__in=people).order_by("id"):
        waiting.filter(user_id=mail.user_id).update(digest=mail)
    return len(people)
