"""Reading one's inbox."""

from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.notifications.models import Notification
from apps.notifications.selectors import inbox_of


def mark_read(*, user: User, pk: UUID) -> Notification:
    """Twice is once. Raises NotFound for another's."""
    found = inbox_of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    if found.read_at is None:
        found.read_at = timezone.now()
        Notification.objects.filter(pk=pk, read_at=None).update(read_at=found.read_at)
    return found


def mark_all_read(*, user: User) -> int:
    """Returns how many were unread."""
    return inbox_of(user).filter(read_at=None).update(read_at=timezone.now())
