"""A member's account at a broker (T8). Its keys go in and come out again to ask the broker alone."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.models import SiteModel


class BrokerAccount(SiteModel):
    """One for each member of a site, reached only as "mine". Its keys are encrypted for this row alone.

    Unverified counts as connected: the broker could not be asked yet. `failure` is what the broker said when it refused.
    `saved_at` tells one set of keys from the next, so that a late answer about old ones changes nothing.
    """

    class Status(models.TextChoices):
        UNVERIFIED = "unverified", "Not checked yet"
        VERIFIED = "verified", "Connected"
        REFUSED = "refused", "Refused by the broker"

    sealed_columns: ClassVar[tuple[str, ...]] = ("api_key", "api_secret")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    broker_name = models.CharField(max_length=40)
    client_id = models.CharField(max_length=64)
    api_key = models.TextField()
    api_secret = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.UNVERIFIED)
    failure = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    saved_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "user"], name="brokers_account_once")]

    def __str__(self) -> str:
        return f"Account at {self.broker_name}"
