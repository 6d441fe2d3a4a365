"""How many people stand below a partner, kept without locking anybody above a signup (T4, T5).

A signup appends one row to the tail; `services.fold_stats` rolls the tail into the ancestors' rows every few seconds; a read
adds what is not folded yet, in one statement and so from one snapshot. Hence always exact.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.models import SiteForeignKey, SiteModel
from apps.referrals.models.partner import MAX_LEVEL, Partner


def no_people() -> list[int]:
    return [0] * MAX_LEVEL


class PartnerStats(SiteModel):
    """`levels[n-1]` people at level n, whatever their status, as of the last fold.

    One array and not twenty columns or rows: it is read whole, as one value, for the stats call and for each row of a tree page.
    """

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="stats")
    levels = ArrayField(models.BigIntegerField(), size=MAX_LEVEL, default=no_people)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "partner"], name="referrals_stats_once")]
        verbose_name_plural = "partner stats"

    def __str__(self) -> str:
        return f"{self.partner_id}: {sum(self.levels)}"


class StatsTail(SiteModel):
    """A signup the fold has not seen. It names the partner and not the path, which a move would make stale."""

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.partner_id)
