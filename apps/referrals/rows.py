"""A person of the tree as lists show them: to a partner with a masked address, to staff with the whole one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.referrals import enrichment
from apps.referrals.models import Partner
from apps.referrals.selectors import Person, masked_email, name_below, parent_chains, read_stats


@dataclass(frozen=True)
class ChainLink:
    """Somebody between the viewer and the person of the row."""

    id: UUID
    name: str
    level: int


@dataclass(frozen=True)
class TreeRow:
    id: UUID
    parent_id: UUID | None
    level: int
    name: str
    email: str
    referral_code: str
    status: str
    kind: str
    joined_at: datetime
    direct_referrals: int
    total_team_size: int
    purchases_total: int
    commission_total: int
    parent_chain: list[ChainLink]


def tree_rows(
    top: Partner, partners: Sequence[Person | Partner], *, viewer: Partner | None, chains: bool = False
) -> list[TreeRow]:
    """Rows of partners below `top`, from `selectors.persons` or `people`. `viewer` None is staff. A fixed number of queries."""
    page = [Person.of(partner) for partner in partners]
    stats = read_stats([person.id for person in page]) if page else {}
    totals = enrichment.totals(viewer, page)
    between = parent_chains(top, page) if chains else {}
    return [
        TreeRow(
            id=person.id,
            parent_id=person.sponsor_id,
            level=person.depth - top.depth,
            name=name_below(person.full_name, person.email),
            email=person.email if viewer is None else masked_email(person.email),
            referral_code=person.code,
            status=person.status,
            kind=person.kind,
            joined_at=person.joined_at,
            direct_referrals=stats[person.id][0],
            total_team_size=sum(stats[person.id]),
            parent_chain=[_link(top, above) for above in between.get(person.id, [])],
            **{column: totals.get(column, {}).get(person.id, 0) for column in enrichment.COLUMNS},
        )
        for person in page
    ]


def _link(top: Partner, person: Person) -> ChainLink:
    return ChainLink(person.id, name_below(person.full_name, person.email), person.depth - top.depth)
