"""Telling somebody something, once: the row of the inbox and the mail that goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core import waking
from apps.core.tenancy import require_site_id
from apps.notifications.models import Email, Mail, Notification
from apps.notifications.services.preferences import wanted_by


@dataclass(frozen=True)
class News:
    """`key` names what it is about: the same key again, to the same person and of the same kind, is the same news."""

    user_id: UUID
    kind: str
    key: str
    params: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def tell(news: Sequence[News]) -> None:
    """As each person wants it. Told again, even at the same moment by several, nothing is added (unique keys)."""
    if not news:
        return
    wanted = wanted_by({one.user_id for one in news})
    rows, mails = [], []
    for one in news:  # ids in the order in which it happened, which is how it is read
        inbox, email = wanted[one.user_id][one.kind]
        same = {"user_id": one.user_id, "kind": one.kind, "key": one.key, "params": one.params}
        if inbox or email == Email.DAILY:
            rows.append(Notification(**same, in_inbox=inbox, in_digest=email == Email.DAILY))
        if email == Email.EACH:
            mails.append(Mail(**same))
    for made in (rows, mails):  # who waits, waits in one order
        made.sort(key=lambda each: (str(each.user_id), each.kind, each.key))
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    queue(mails)


def queue(mails: Sequence[Mail]) -> None:
    """Keep them to be sent; those that are known stay as they are. The workers are woken after the commit, or by the sweep."""
    if not mails:
        return
    Mail.objects.bulk_create(mails, ignore_conflicts=True, batch_size=500)
    waking.after_commit("apps.notifications.tasks.send_due", str(require_site_id()))
