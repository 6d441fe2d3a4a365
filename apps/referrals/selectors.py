"""Reads of the tree that join: statistics, uplines, people with their names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db.models.query import ValuesListIterable

from apps.core.errors import NotFound
from apps.core.postgresql.prepared import fetch_prepared
from apps.referrals.models import MAX_LEVEL, Partner, PartnerQuerySet, paths_above

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


class Person(NamedTuple):
    """What a list shows of a partner: a page of these costs half of what a page of two models each does (measured)."""

    id: UUID
    path: str
    depth: int
    sponsor_id: UUID | None
    user_id: UUID
    code: str
    status: str
    kind: str
    joined_at: datetime
    full_name: str
    email: str

    @property
    def pk(self) -> UUID:
        return self.id

    @classmethod
    def of(cls, partner: "Person | Partner") -> "Person":
        """From a partner of `people()`."""
        if isinstance(partner, Person):
            return partner
        user = partner.user
        if user is None:
            raise TypeError("the root is nobody")
        return cls(
            partner.pk, partner.path, partner.depth, partner.sponsor_id, user.pk, partner.code, partner.status,
            partner.kind, partner.joined_at, user.full_name, user.email,
        )  # fmt: skip


class _PersonIterable(ValuesListIterable):
    def __iter__(self) -> Iterator[Person]:
        return map(Person._make, super().__iter__())


def persons() -> PartnerQuerySet:
    """As `people`, of Person: for pages that filter."""
    fields = [f"user__{name}" if name in {"full_name", "email"} else name for name in Person._fields]
    rows = Partner.objects.people().values_list(*fields)
    rows._iterable_class = _PersonIterable
    return rows


@dataclass(frozen=True)
class Downline:
    """Everybody in the twenty levels below `top`, depth-first, for a paginator: of a queryset it has what a paginator uses.

    One fixed statement: to put the same together through a queryset takes longer than to run it (0.5 ms of 0.9, measured). For
    fewer levels `persons` is better: which index then reads least depends on the values, and a fixed plan knows none.
    """

    top: Partner
    after: str = ""
    before: str = ""
    backwards: bool = False

    def order_by(self, ordering: str) -> "Downline":
        return replace(self, backwards=ordering == "-path")

    def filter(self, *, path__gt: str = "", path__lt: str = "") -> "Downline":
        return replace(self, after=path__gt, before=path__lt)

    def __getitem__(self, rows: slice) -> list[Person]:
        top, start = self.top, rows.start or 0
        bounds = [self.after or top.path, self.before or f"{top.path}~", top.depth + MAX_LEVEL]
        sql = _PAGE_BACKWARDS if self.backwards else _PAGE
        return list(map(Person._make, fetch_prepared(sql, [*bounds, rows.stop - start, start])))


# "+ 0" keeps the plan off the index by depth: it would read and sort the whole branch for the first page of it.
_PAGE = """
SELECT p.id, p.path, p.depth, p.sponsor_id, p.user_id, p.code, p.status, p.kind, p.joined_at, u.full_name, u.email
FROM referrals_partner p JOIN accounts_user u ON u.id = p.user_id
WHERE p.path > %s AND p.path < %s AND p.depth + 0 <= %s ORDER BY p.path LIMIT %s OFFSET %s
"""
_PAGE_BACKWARDS = _PAGE.replace("ORDER BY p.path", "ORDER BY p.path DESC")


def parent_chains(viewer: Partner, partners: Sequence[Person]) -> dict[UUID, list[Person]]:
    """For each partner, those between the viewer and them, nearest to the viewer first. One query for a whole page."""
    between = {partner.pk: _between(viewer, partner) for partner in partners}
    wanted = {path for paths in between.values() for path in paths}
    found = {person.path: person for person in persons().filter(path__in=wanted)} if wanted else {}
    return {pk: [found[path] for path in paths if path in found] for pk, paths in between.items()}


def _between(viewer: Partner, partner: Person) -> list[str]:
    return [path for path in reversed(paths_above(partner.path)) if len(path) > len(viewer.path)]


def masked_email(email: str) -> str:
    """`p***@example.com`: enough to recognise somebody, too little to write to them."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}***@{domain}"


def name_below(full_name: str, email: str) -> str:
    return full_name or masked_email(email)


def name_above(full_name: str, email: str) -> str:
    """Those above show no address, not even masked."""
    return full_name or f"{email[:1]}***"
