"""News from a lower app to an upper one, written in the transaction that made it true."""

from django.db import models
from django.utils import timezone

from apps.core.models.base import SiteModel


class OutboxEvent(SiteModel):
    """One event for one consumer, so that each is retried and buried on its own.

    `done_at` is written in the consumer's transaction: effect and mark commit together. A row that failed eight times, or in a
    way that no repetition mends, is dead and waits for staff to replay it.
    """

    MAX_ATTEMPTS = 8

    topic = models.CharField(max_length=64)
    consumer = models.CharField(max_length=64)
    key = models.CharField(max_length=128)
    payload = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "consumer", "topic", "key"], name="core_outbox_once"),
        ]
        indexes = [
            models.Index(
                fields=["site", "consumer", "next_at"],
                name="core_outbox_due",
                condition=models.Q(done_at=None, dead_at=None),
            ),
            models.Index(
                fields=["site", "dead_at"], name="core_outbox_dead", condition=models.Q(dead_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key} → {self.consumer}"
