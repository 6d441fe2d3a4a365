"""Reads of the tree that join: statistics, uplines, people with their names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from apps.core.errors import NotFound
from apps.core.postgresql.prepared import fetch_prepared
from apps.referrals.models import MAX_LEVEL, Partner, PartnerQuerySet

if TYPE_CHECKING:
    from apps.accounts.models import User

# One statement, hence one snapshot: a fold that commits meanwhile is seen whole or not at all (T5).
_STATS = f"""
WITH waiting AS (
    SELECT w.path, w.depth FROM referrals_statstail t JOIN referrals_partner w ON w.id = t.partner_id
)
SELECT p.id, s.levels,
       ARRAY(SELECT w.depth - p.depth FROM waiting w
             WHERE w.path > p.path AND w.path < p.path || '~' AND w.depth - p.depth <= {MAX_LEVEL})
FROM referrals_partner p JOIN referrals_partnerstats s ON s.partner_id = p.id
WHERE """  # noqa: S608 - a constant


def read_stats(partner_ids: Iterable[UUID]) -> dict[UUID, list[int]]:
    """{partner: people at levels 1..20}, exact at this moment: folded rows plus the tail of signups."""
    return _stats_where("p.id = ANY(%s)", list(partner_ids))


def own_stats(user: "User") -> list[int]:
    """A member's own people at levels 1..20, in one query. Raises NotFound for staff, who have no place in the tree."""
    found = _stats_where("p.user_id = %s", user.pk)
    if not found:
        raise NotFound()
    return next(iter(found.values()))


def _stats_where(condition: str, value: UUID | list[UUID]) -> dict[UUID, list[int]]:
    rows = fetch_prepared(_STATS + condition, [value])
    found: dict[UUID, list[int]] = {}
    for pk, levels, waiting in rows:
        for level in waiting:
            levels[level - 1] += 1
        found[pk] = levels
    return found


@dataclass(frozen=True)
class UplineMember:
    """Somebody above. Level 1 is the direct sponsor, or the attributed partner of a guest."""

    partner_id: UUID
    user_id: UUID
    level: int
    name: str
    status: str
    kind: str


def upline_snapshot(partner: Partner, *, depth: int = MAX_LEVEL) -> list[UplineMember]:
    """Everybody above a partner, nearest first, as it stands now. One query."""
    return _members(partner.upline_paths(depth))


def upline_through(partner: Partner, *, depth: int = MAX_LEVEL) -> list[UplineMember]:
    """The upline of somebody who stands directly below `partner`, such as a guest they brought: `partner` is level 1."""
    return _members([partner.path, *partner.upline_paths()][:depth])


def _members(paths: Sequence[str]) -> list[UplineMember]:
    above = Partner.objects.people().filter(path__in=paths).order_by("-depth")
    rows = above.values_list("id", "user_id", "user__full_name", "user__email", "status", "kind")
    return [
        UplineMember(pk, user_id, level, name_above(full_name, email), status, kind)
        for level, (pk, user_id, full_name, email, status, kind) in enumerate(rows, start=1)
    ]


def partner_of(user: "User") -> Partner:
    """The member's own place. Raises NotFound for staff, who have none."""
    partner = Partner.objects.filter(user_id=user.pk).first()
    if partner is None:
        raise NotFound()
    return partner


def people() -> PartnerQuerySet:
    """Partners with what a list shows of the person, in one join and without password hashes."""
    return (
        Partner.objects.people()
        .select_related("user")
        .only(
            "id", "path", "depth", "numchild", "sponsor_id", "code", "status", "kind", "joined_at", "activated_at", "site_id",
            "user__full_name", "user__email",
        )
    )  # fmt: skip


def parent_chains(viewer: Partner, partners: Sequence[Partner]) -> dict[UUID, list[Partner]]:
    """For each partner, those between the viewer and them, nearest to the viewer first. One query for a whole page."""
    between = {partner.pk: _between(viewer, partner) for partner in partners}
    wanted = {path for paths in between.values() for path in paths}
    found = {person.path: person for person in people().filter(path__in=wanted)} if wanted else {}
    return {pk: [found[path] for path in paths if path in found] for pk, paths in between.items()}


def _between(viewer: Partner, partner: Partner) -> list[str]:
    return [path for path in reversed(partner.upline_paths()) if len(path) > len(viewer.path)]


def masked_email(email: str) -> str:
    """`p***@example.com`: enough to recognise somebody, too little to write to them."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}***@{domain}"


def name_below(full_name: str, email: str) -> str:
    return full_name or masked_email(email)


def name_above(full_name: str, email: str) -> str:
    """Those above show no address, not even masked."""
    return full_name or f"{email[:1]}***"
