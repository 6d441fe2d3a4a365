"""Metered acts that cost money and leave a file (W3). Files are rows: kept apart by site like all else, and wherever web runs."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel


class Kind(models.TextChoices):
    REPORT = "report_generation", "Report"
    FORM = "form_download", "Form download"


class ActivityType(SiteModel):
    """What one act of a kind costs at this site, in minor units of its currency, and whether it is offered."""

    key = models.CharField(max_length=20, choices=Kind)
    cost = models.BigIntegerField(default=0, validators=[MinValueValidator(0)])
    is_active = models.BooleanField("offered", default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="activities_type_once"),
            models.CheckConstraint(condition=Q(cost__gte=0), name="activities_type_cost"),
        ]

    def __str__(self) -> str:
        return self.get_key_display()


class FormDocument(SiteModel):
    """A file that staff offer for download. A new file of a form is a new row; an old one stays with who downloaded it."""

    title = models.CharField(max_length=120)
    filename = models.CharField(max_length=120)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    content = models.BinaryField()
    is_active = models.BooleanField("offered", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "form"

    def __str__(self) -> str:
        return self.title


class Activity(SiteModel):
    """One act: who did it, whose funds paid, and what came of it. A failed one has been refunded.

    A report of many rows is RUNNING while the background makes its file; `claimed_until` is how long one worker has it to itself,
    renewed as `rows_done` grows.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Done"
        FAILED = "failed", "Failed, refunded"

    # What the database allows too (migration 0001, Transitions).
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {Status.RUNNING: (Status.COMPLETED, Status.FAILED)}

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    type = models.CharField(max_length=20, choices=Kind)
    params = models.JSONField(default=dict)
    form = SiteForeignKey(FormDocument, models.PROTECT, null=True, related_name="+")
    cost = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=9, choices=Status, default=Status.COMPLETED)
    failure = models.CharField(max_length=200, blank=True, default="")
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "activities"
        constraints = [models.CheckConstraint(condition=Q(cost__gte=0), name="activities_cost")]
        indexes = [
            models.Index(fields=["site", "user", "id"], name="activities_user"),
            models.Index(fields=["site", "payer", "id"], name="activities_payer"),
            models.Index(fields=["site", "created_at"], name="activities_when"),
            models.Index(fields=["site", "claimed_until"], name="activities_running", condition=Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"A-{self.pk.hex[-8:].upper()}"

    def advance(self, *, to: str) -> None:
        """Raises Conflict invalid_state."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"An activity can't go from {self.status} to {to}.")
        self.status = to

    @property
    def tone(self) -> str:
        """What the design kit calls the state."""
        return {"running": "pending", "completed": "paid", "failed": "rejected"}[self.status]

    @property
    def summary(self) -> str:
        """What it made, for people: "Orders, XLSX"."""
        told: dict[str, Any] = self.params
        if self.type == Kind.FORM:
            return str(told.get("title", "Form"))
        return f"{str(told.get('report', '')).capitalize()}, {str(told.get('format', '')).upper()}"


class ActivityFile(SiteModel):
    """What an activity made, until it is forgotten. Reached through its activity by its owner and who paid."""

    activity = SiteForeignKey(Activity, models.PROTECT, related_name="files")
    name = models.CharField(max_length=160)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "activity"], name="activities_file_once")]
        indexes = [models.Index(fields=["site", "created_at"], name="activities_file_age")]

    def __str__(self) -> str:
        return self.name
