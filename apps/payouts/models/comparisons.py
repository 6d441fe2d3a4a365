"""Our payouts beside the gateways' own records."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.models import SiteModel


class Reconciliation(SiteModel):
    """One comparison of our payouts with the gateways' own records, as it was found. `differences` are those of
    `services.reconciling.Difference`, the first thousand; `count` is of all."""

    since = models.DateTimeField()
    ran_at = models.DateTimeField(default=timezone.now, editable=False)
    ran_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    compared = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    differences = models.JSONField(default=list)

    class Meta:
        verbose_name = "comparison"
        verbose_name_plural = "comparisons"

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M} UTC"
