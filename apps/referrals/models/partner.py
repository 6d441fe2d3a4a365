"""A site's referral tree (spec: architecture.md, The tree).

`PartnerQuerySet` is the only code outside treebeard that knows what a path looks like; everything else asks it.
"""

from typing import Any, ClassVar, cast

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from treebeard.mp_tree import MP_Node, MP_NodeManager, MP_NodeQuerySet

from apps.core.errors import Conflict
from apps.core.models import PathField, SiteForeignKey, SiteModel
from apps.core.postgresql.prepared import fetch_prepared

MAX_LEVEL = 20
"""How far commissions, statistics and tree views reach. The tree itself is deeper."""
STEP = 5
ROOT_DEPTH = 1
CODE_PATTERN = r"^[2-9A-HJ-NP-Z]{12}$"


# "+ 0" keeps a fixed plan on the index by path: that by depth is entered once for each level of the whole tree (twice as slow).
_LEVEL_COUNTS = """
SELECT depth, count(*) FROM referrals_partner
WHERE path > %s AND path < %s AND depth + 0 <= %s GROUP BY depth
"""


def paths_above(path: str) -> list[str]:
    """Paths of the ancestors without the root, nearest first."""
    return [path[:end] for end in range(len(path) - STEP, STEP * ROOT_DEPTH, -STEP)]


class PartnerQuerySet(MP_NodeQuerySet):
    def people(self) -> "PartnerQuerySet":
        """Without the site's root, which is nobody."""
        return self.filter(depth__gt=ROOT_DEPTH)

    def downline_of(
        self, partner: "Partner", *, depth: int | None = None, level: int | None = None
    ) -> "PartnerQuerySet":
        """Everybody below, depth-first; down to `depth` levels, or of exactly one `level`.

        A range over (site, path), never LIKE, which cannot use an index under row level security (254 ms against 0.2, measured).
        """
        below = self.filter(path__startswith=partner.path, depth__gt=partner.depth)
        if depth is not None:
            below = below.filter(depth__lte=partner.depth + depth)
        return below if level is None else below.filter(depth=partner.depth + level)

    def upline_of(self, partner: "Partner", *, depth: int | None = None) -> "PartnerQuerySet":
        """Everybody above, nearest first, up to `depth` levels."""
        above = self.filter(path__in=partner.upline_paths(depth)).people()
        return above.order_by("-depth")

    def children_of(self, partner: "Partner") -> "PartnerQuerySet":
        return self.downline_of(partner, level=1)

    def level_counts(self, partner: "Partner", *, depth: int = MAX_LEVEL) -> dict[int, int]:
        """{level: people}, counted. The API answers from PartnerStats; this is what proves it."""
        bounds = [partner.path, f"{partner.path}~", partner.depth + depth]
        return {found - partner.depth: n for found, n in sorted(fetch_prepared(_LEVEL_COUNTS, bounds))}

    def select_for_update(self, *args: Any, no_key: bool = True, **kwargs: Any) -> "PartnerQuerySet":
        """FOR NO KEY UPDATE: ids never change, so a signup need not make clicks and orders of its sponsor wait."""
        return cast(PartnerQuerySet, super().select_for_update(*args, no_key=no_key, **kwargs))


class PartnerManager(MP_NodeManager.from_queryset(PartnerQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> PartnerQuerySet:
        # treebeard's own names its queryset class and would lose ours.
        return PartnerQuerySet(self.model, using=self._db).order_by("path")


class Partner(MP_Node, SiteModel):
    """A member's place in the site's tree. The parent node is the sponsor; the unsponsored hang below the site's one root.

    Code, user and site never change; `sponsor` must name the parent node and the app role may set it only through a tree
    move: grants and triggers see to both.
    """

    steplen = STEP

    class Status(models.TextChoices):
        PENDING = "pending", "Not activated"
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"
        FROZEN = "frozen", "Frozen"

    class Kind(models.TextChoices):
        USER = "user", "Partner"
        AGENT = "agent", "Agent"
        ROOT = "root", "Root of the site"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.PENDING: {Status.ACTIVE, Status.INACTIVE, Status.FROZEN},
        Status.ACTIVE: {Status.INACTIVE, Status.FROZEN, Status.PENDING},
        Status.INACTIVE: {Status.ACTIVE, Status.FROZEN},
        Status.FROZEN: {Status.ACTIVE, Status.INACTIVE, Status.PENDING},
    }

    path = PathField(max_length=2000, db_collation="C", editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="partners", editable=False
    )
    sponsor = SiteForeignKey("self", models.PROTECT, null=True, related_name="recruits", editable=False)
    code = models.CharField(max_length=12, editable=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.USER)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[PartnerManager] = PartnerManager()

    class Meta:
        constraints = [
            # With the depth: a branch is counted by level from this index alone.
            models.UniqueConstraint(fields=["site", "path"], include=["depth"], name="referrals_partner_place"),
            models.UniqueConstraint(fields=["site", "user"], name="referrals_partner_user"),
            models.UniqueConstraint(fields=["site", "code"], name="referrals_partner_code"),
            models.CheckConstraint(
                condition=Q(kind="root", depth=ROOT_DEPTH, user=None, sponsor=None, code="")
                | Q(~Q(kind="root"), depth__gt=ROOT_DEPTH, user__isnull=False, code__regex=CODE_PATTERN),
                name="referrals_root_is_nobody",
            ),
            models.CheckConstraint(condition=~Q(sponsor=F("id")), name="referrals_no_self_sponsor"),
        ]
        indexes = [
            # The last child of a parent, and one level of a downline, without reading what lies between.
            models.Index(fields=["site", "depth", "path"], name="referrals_partner_depth"),
        ]

    def __str__(self) -> str:
        return self.code or "root"

    @property
    def is_active(self) -> bool:
        """Only active partners earn and refer."""
        return self.status == self.Status.ACTIVE

    def advance(self, *, to: str) -> None:
        """Raises Conflict (invalid_state) on a jump the table doesn't have."""
        if to not in self.TRANSITIONS[self.status]:
            raise Conflict("invalid_state", f"A partner can't go from {self.status} to {to}.")
        self.status = to
        if to == self.Status.ACTIVE and self.activated_at is None:
            self.activated_at = timezone.now()

    def level_of(self, other: "Partner") -> int:
        """How many levels `other` is below this partner."""
        return other.depth - self.depth

    def upline_paths(self, depth: int | None = None) -> list[str]:
        """Paths of the ancestors without the root, nearest first."""
        return paths_above(self.path)[:depth]

    def is_below(self, other: "Partner") -> bool:
        """At any distance."""
        return self.depth > other.depth and self.path.startswith(other.path)
