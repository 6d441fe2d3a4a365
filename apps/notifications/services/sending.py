"""Mail out, at most once: the claim is committed, the server is called outside any transaction, then the outcome is written.

What the server surely did not take is tried again; what it may have taken is UNKNOWN and waits for a person (ADR 0028).
"""

import contextlib
import random
import smtplib
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.mail import get_connection
from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core.tenancy import site_context
from apps.notifications.letters import Letter, letter_of
from apps.notifications.models import Mail

Status = Mail.Status
CLAIM = timedelta(minutes=10)
"""Longer than a mail server may take to answer."""


def due_mails(limit: int = 200) -> list[UUID]:
    """What may be sent now, oldest first."""
    rows = Mail.objects.filter(status=Status.QUEUED, next_at__lte=timezone.now()).order_by("next_at", "id")
    return list(rows.values_list("pk", flat=True)[:limit])


def send_mail(*, site_id: UUID | str, mail_id: UUID) -> str:
    """Send one. Whoever comes second finds it claimed. Returns what became of it, "" if it was not ours to send."""
    with site_context(site_id):
        mail = _claim(mail_id)
        if mail is None:
            return ""
        letter = letter_of(mail)
    if letter is None:
        return _end(site_id, mail, Status.DROPPED)
    connection = get_connection(timeout=30)
    try:
        connection.open()
    except OSError as error:  # smtplib's own are OSErrors too: nothing was handed over
        return _wait(site_id, mail, error)
    try:
        connection.send_messages([letter.message(connection)])
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
        return _refused(site_id, mail, letter, error)
    except Exception as error:
        return _end(site_id, mail, Status.UNKNOWN, letter, error)
    finally:
        _close(connection)
    return _end(site_id, mail, Status.SENT, letter)


def _close(connection: Any) -> None:
    with contextlib.suppress(OSError):  # what was sent is sent
        connection.close()


def _claim(mail_id: UUID) -> Mail | None:
    now = timezone.now()
    mine = Mail.objects.filter(pk=mail_id, status=Status.QUEUED, next_at__lte=now)
    if not mine.update(status=Status.SENDING, claimed_until=now + CLAIM):
        return None
    return Mail.objects.select_related("user").get(pk=mail_id)


def _refused(site_id: UUID | str, mail: Mail, letter: Letter, error: Exception) -> str:
    """A 5xx is for good; a 4xx asks us to come again."""
    codes = [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    if codes and all(500 <= code < 600 for code in codes):
        return _end(site_id, mail, Status.FAILED, letter, error)
    return _wait(site_id, mail, error)


def _wait(site_id: UUID | str, mail: Mail, error: Exception) -> str:
    tries = mail.tries + 1
    if tries >= Mail.MAX_TRIES:
        return _end(site_id, mail, Status.FAILED, None, error)
    delay = min(15 * 2**tries, 3600) * random.uniform(0.5, 1.5)  # noqa: S311
    with site_context(site_id):
        Mail.objects.filter(pk=mail.pk, status=Status.SENDING).update(
            status=Status.QUEUED, tries=tries, next_at=timezone.now() + timedelta(seconds=delay), claimed_until=None,
            last_error=_said(error),
        )  # fmt: skip
    return Status.QUEUED


def _end(
    site_id: UUID | str, mail: Mail, status: str, letter: Letter | None = None, error: Exception | None = None
) -> str:
    with site_context(site_id):
        Mail.objects.filter(pk=mail.pk, status=Status.SENDING).update(
            status=status, claimed_until=None, last_error=_said(error) if error else "", tries=mail.tries + 1,
            sent_at=timezone.now() if status == Status.SENT else None, address=letter.address if letter else "",
            subject=letter.subject[:200] if letter else "",
        )  # fmt: skip
    return status


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def settle_lost() -> int:
    """SENDING -> UNKNOWN for what a worker left behind: it may have been handed over, so nobody sends it again by itself."""
    lost = Mail.objects.filter(status=Status.SENDING, claimed_until__lt=timezone.now())
    return lost.update(status=Status.UNKNOWN, claimed_until=None, last_error="A worker ended while it was being sent.")


@transaction.atomic
def send_again(*, mail: Mail, actor: audit.Actor) -> Mail:
    """FAILED, UNKNOWN -> QUEUED, by staff. Raises Conflict invalid_state."""
    mail = Mail.objects.select_for_update(no_key=True).get(pk=mail.pk)
    before = mail.status
    mail.advance(to=Status.QUEUED)
    mail.tries, mail.next_at, mail.last_error = 0, timezone.now(), ""
    mail.save(update_fields=["status", "tries", "next_at", "last_error"])
    audit.record(
        actor=actor, action="mail.requeued", target=mail, before={"status": before}, after={"status": mail.status}
    )
    return mail
