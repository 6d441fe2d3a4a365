"""Decisions about many rows, carried out in steps."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteModel


class BulkJob(SiteModel):
    """An action for every row that fits a list's filters, as it was asked for (`query`, `note`, `newest`).

    `next_below` is the id under which the next step begins: steps walk from the newest row down, each in a transaction of its own
    that also writes the counters, so that a step that fails leaves nothing and is repeated. Rows newer than `newest` came later
    and are left alone.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.RUNNING: (Status.DONE, Status.STOPPED)}

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    screen = models.CharField(max_length=80)
    action = models.CharField(max_length=40)
    label = models.CharField(max_length=120)
    query = models.TextField(blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    newest = models.UUIDField()
    next_below = models.UUIDField(null=True)
    total = models.BigIntegerField()
    seen = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    reasons = models.JSONField(default=dict)
    ended_because = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(seen=models.F("done") + models.F("refused")), name="backoffice_job_adds_up"
            ),
        ]
        indexes = [models.Index(fields=["site", "status", "id"], name="backoffice_job_status")]

    def __str__(self) -> str:
        return f"{self.label}, {self.total} rows"

    def advance(self, *, to: str) -> None:
        """Raises Conflict (invalid_state) once it has ended."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", "This job has ended already.")
        self.status = to

    @property
    def percent(self) -> int:
        """0 to 100. Rows that stopped fitting the filters meanwhile are never seen: a finished job is 100 all the same."""
        if self.status == self.Status.DONE:
            return 100
        return min(100 * self.seen // self.total, 100) if self.total else 0
