"""Moves of the tree, as a record and as a plan (X6)."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.models import SiteForeignKey, SiteModel
from apps.referrals.models.partner import Partner


class TreeMove(SiteModel):
    """A partner, with everybody below, from one sponsor to another. None is the top of the site.

    Orders keep the upline they were paid under, so a move never looks back; `effective_at` may lie ahead.
    """

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        APPLIED = "applied", "Applied"
        REFUSED = "refused", "Refused when it was due"

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="moves")
    from_sponsor = SiteForeignKey(Partner, models.PROTECT, null=True, related_name="+")
    to_sponsor = SiteForeignKey(Partner, models.PROTECT, null=True, related_name="+")
    status = models.CharField(max_length=9, choices=Status, default=Status.SCHEDULED)
    reason = models.CharField(max_length=500)
    people = models.BigIntegerField(default=0, help_text="Moved, the partner included.")
    refusal = models.CharField(max_length=64, blank=True, default="")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    effective_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "partner"], condition=models.Q(status="scheduled"), name="referrals_move_one_ahead"
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "effective_at"], name="referrals_move_due", condition=models.Q(status="scheduled")
            ),
            models.Index(fields=["site", "partner", "created_at"], name="referrals_move_history"),
        ]

    def __str__(self) -> str:
        return f"{self.partner_id} {self.status}"
