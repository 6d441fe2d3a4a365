"""What outside services tell us, kept as it came and worked off later (reliability.md, rule 8)."""

from django.db import models
from django.utils import timezone

from apps.core.models.base import SiteModel


class InboxEvent(SiteModel):
    """One event of an outside service, verified and not yet or already worked off. The same id twice is one row.

    `ignored` events moved nothing, and `note` says why: another site's, another amount, nothing new.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", "Waits"
        DONE = "done", "Worked off"
        IGNORED = "ignored", "Ignored"

    source = models.CharField(max_length=16)
    event_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=64)
    payload = models.JSONField()
    status = models.CharField(max_length=8, choices=Status, default=Status.RECEIVED)
    note = models.CharField(max_length=200, blank=True, default="")
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "source", "event_id"], name="core_inbox_once")]
        indexes = [models.Index(fields=["site", "status", "id"], name="core_inbox_status")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
