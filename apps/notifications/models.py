"""What people are told: the inbox, the mail that goes with it, and what each person wants to hear.

A notification keeps what happened, not the sentence: that is made when it is read, in the reader's language (words/).
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.notifications import words


class Kind(models.TextChoices):
    """What a person chooses about."""

    JOINED = "joined", "Somebody joined"
    COMMISSION = "commission", "Commission earned"
    APPROVED = "approved", "Commission approved"
    REVERSED = "reversed", "Commission reversed"
    PAYOUT = "payout", "Payouts"
    BONUS = "bonus", "Bonuses"
    SECURITY = "security", "Security"


PASSWORD_RESET, DIGEST = "password_reset", "digest"
"""Kinds of mail beside those: nothing of them stands in an inbox."""


class Email(models.TextChoices):
    OFF = "off", "No mail"
    EACH = "each", "At once"
    DAILY = "daily", "Once a day"


class Mail(SiteModel):
    """One e-mail to one person. Its text is made at the moment of sending; `params` never hold a secret.

    QUEUED -> SENDING is committed before the mail server is called. What was SENDING when a worker died is UNKNOWN and is never
    sent again by itself (ADR 0028).
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Waits"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"
        DROPPED = "dropped", "Not needed any more"

    # What the database allows too (migration 0001, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.QUEUED: (Status.SENDING,),
        Status.SENDING: (Status.SENT, Status.QUEUED, Status.FAILED, Status.UNKNOWN, Status.DROPPED),
        Status.FAILED: (Status.QUEUED,),
        Status.UNKNOWN: (Status.QUEUED,),
    }
    MAX_TRIES: ClassVar[int] = 12

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=160)
    params = models.JSONField(default=dict)
    address = models.EmailField(blank=True, default="", help_text="Where it went.")
    subject = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "user", "kind", "key"], name="notifications_mail_once")]
        indexes = [
            models.Index(fields=["site", "user", "id"], name="notifications_mail_user"),
            models.Index(fields=["site", "status", "id"], name="notifications_mail_status"),
            models.Index(
                fields=["site", "next_at"], name="notifications_mail_due", condition=Q(status__in=["queued", "sending"])
            ),
        ]

    def __str__(self) -> str:
        return f"M-{self.pk.hex[-8:].upper()}"

    @property
    def tone(self) -> str:
        """What the design kit calls the state."""
        shown = {"queued": "pending", "sending": "processing", "sent": "paid", "dropped": "reversed"}
        return shown.get(self.status, self.status)

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A mail can't go from {self.status} to {to}.")
        self.status = to


class Notification(SiteModel):
    """That something happened which is a person's business. `key` is what it is about: told again, it is the same row.

    `in_inbox` False stands in a digest only; `in_digest` is to be in the next one, which is then `digest`.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=160)
    params = models.JSONField(default=dict)
    in_inbox = models.BooleanField(default=True)
    in_digest = models.BooleanField(default=False)
    digest = SiteForeignKey(Mail, models.PROTECT, null=True, related_name="notifications")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "user", "kind", "key"], name="notifications_once"),
            models.CheckConstraint(condition=Q(digest=None) | Q(in_digest=True), name="notifications_digest_wanted"),
        ]
        indexes = [
            models.Index(fields=["site", "user", "id"], name="notifications_user"),
            # The bell: few rows of one person.
            models.Index(
                fields=["site", "user"], name="notifications_unread", condition=Q(read_at=None, in_inbox=True)
            ),
            models.Index(
                fields=["site", "created_at"], name="notifications_digest", condition=Q(in_digest=True, digest=None)
            ),
            models.Index(fields=["site", "digest"], name="notifications_of_digest", condition=Q(digest__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"[:80]

    @property
    def said(self) -> words.Said:
        """In English, for staff. Readers get theirs by words.said."""
        return words.said(self.kind, self.params, "en")


class Preference(SiteModel):
    """What somebody wants to hear of a kind, where they have said so; else services.preferences.DEFAULTS."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    inbox = models.BooleanField(default=True)
    email = models.CharField(max_length=5, choices=Email)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "user", "kind"], name="notifications_preference_once"),
            models.CheckConstraint(
                condition=~Q(kind="security") | Q(inbox=True, email="each"), name="notifications_security_always"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_email_display()}"
