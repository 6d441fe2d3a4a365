"""Every write of notifications, preferences and mail."""

from apps.notifications.services.digests import make_digests
from apps.notifications.services.preferences import preferences_of, set_preferences, unsubscribe
from apps.notifications.services.reading import mark_all_read, mark_read
from apps.notifications.services.sending import due_mails, send_again, send_mail, settle_lost
from apps.notifications.services.telling import News, tell

__all__ = [
    "News",
    "due_mails",
    "make_digests",
    "mark_all_read",
    "mark_read",
    "preferences_of",
    "send_again",
    "send_mail",
    "set_preferences",
    "settle_lost",
    "tell",
    "unsubscribe",
]
