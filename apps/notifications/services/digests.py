"""One mail a day of what somebody wants to hear once a day; the day is the site's."""

from datetime import timedelta

from django.db import transaction

from apps.notifications.models import DIGEST, Mail, Notification
from apps.notifications.services.telling import queue
from apps.sites.selectors import midnight, site_day

MOST_PEOPLE = 500


@transaction.atomic
def make_digests(*, limit: int = MOST_PEOPLE) -> int:
    """For everybody who has news of days that are over. A person has one a day, however often this runs; what was written down
    after that had gone, in a transaction that was longer, is in the next. Returns how many."""
    today = site_day()
    day = (today - timedelta(days=1)).isoformat()
    mails = Mail.objects.filter(kind=DIGEST, key=day)
    waiting = Notification.objects.filter(in_digest=True, digest=None, created_at__lt=midnight(today))
    left = waiting.exclude(user_id__in=mails.exclude(status=Mail.Status.QUEUED).values("user_id"))
    people = list(left.order_by("user_id").values_list("user_id", flat=True).distinct()[:limit])
    queue([Mail(user_id=user_id, kind=DIGEST, key=day, params={"day": day}) for user_id in people])
    still = mails.filter(user_id__in=people, status=Mail.Status.QUEUED).select_for_update(no_key=True)  # sent after us
    for mail in still.order_by("id"):
        waiting.filter(user_id=mail.user_id).update(digest=mail)
    return len(people)
