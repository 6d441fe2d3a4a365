"""Reads of the inbox."""

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.notifications.models import Notification

MOST_COUNTED = 100


def inbox_of(user: User) -> QuerySet[Notification]:
    """Newest first."""
    return Notification.objects.filter(user=user, in_inbox=True).order_by("-id")


def unread_count(user: User) -> int:
    """For the bell: no more than 100 are counted."""
    return Notification.objects.filter(user=user, in_inbox=True, read_at=None).order_by()[:MOST_COUNTED].count()
