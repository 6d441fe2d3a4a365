"""What leaves by an outside service, written down before the first call (reliability.md, rules 7 and 9)."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.core.models.base import SiteModel


class Sending(SiteModel):
    """One of them, in a table of the app that sends it. The service knows it by one key for ever: there is no second sending.

    WAITING: we don't know that the service has it. SENT: it has. `difference` is what the service says otherwise than we do:
    nothing moves by it, and a person looks. Until `next_at` nobody takes it up (apps.core.sending).
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "To be sent"
        SENT = "sent", "Sent"
        COMPLETED = "completed", "Arrived"
        FAILED = "failed", "Failed"

    # What the database allows too: each table's Transitions say the same.
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.WAITING: (Status.SENT, Status.COMPLETED, Status.FAILED),
        Status.SENT: (Status.COMPLETED, Status.FAILED),
    }
    OPEN: ClassVar[tuple[str, ...]] = (Status.WAITING, Status.SENT)
    CHANGES: ClassVar[tuple[str, ...]] = (
        "status", "provider_id", "provider_state", "failure", "difference", "next_at", "finished_at",
    )  # fmt: skip

    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    provider_id = models.CharField(max_length=64, null=True)
    provider_state = models.CharField(max_length=64, blank=True, default="")
    failure = models.CharField(max_length=200, blank=True, default="")
    difference = models.CharField(max_length=200, blank=True, default="")
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def advance(self, *, to: str) -> bool:
        """Move forward, unsaved; False, unchanged, where that is no step forward: what a service tells comes late and twice."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            return False
        self.status = to
        return True
