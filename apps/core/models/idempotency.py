"""Answers kept for repeated POSTs (spec: api.md, Idempotency-Key)."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.core.models.base import SiteModel


class IdempotencyKey(SiteModel):
    """A caller's key, the request it stood for and, once done, the answer.

    Claimed in a transaction of its own; the answer is written in the transaction of the effects. `status = 0` means running
    until `locked_until`, after which a crashed request may be tried again.
    """

    sealed_columns: ClassVar[tuple[str, ...]] = ("body",)

    caller = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=bytes)
    content_type = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    locked_until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "caller", "key"], name="core_idempotency_once")]
        indexes = [models.Index(fields=["site", "created_at"], name="core_idempotency_age")]

    def __str__(self) -> str:
        return self.key
