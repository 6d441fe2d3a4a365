"""A person of the tree as lists show them: to a partner with a masked address, to staff with the whole one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.referrals import enrichment
from apps.referrals.models import Partner
from apps.referrals.selectors import masked_email, name_below, parent_chains, read_stats


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
    top: Partner, partners: Sequence[Partner], *, viewer: Partner | None, chains: bool = False
) -> list[TreeRow]:
    """Rows of partners below `top`, from `selectors.people`. `viewer` None is staff. A fixed number of queries per page."""
    stats = read_stats([partner.pk for partner in partners]) if partners else {}
    totals = enrichment.totals(viewer, partners)
    between = parent_chains(top, partners) if chains else {}
    rows = []
    for partner in partners:
        user, levels = partner.user, stats[partner.pk]
        assert user is not None
        rows.append(
            TreeRow(
                id=partner.pk,
                parent_id=partner.sponsor_id,
                level=top.level_of(partner),
                name=name_below(user.full_name, user.email),
                email=user.email if viewer is None else masked_email(user.email),
                referral_code=partner.code,
                status=partner.status,
                kind=partner.kind,
                joined_at=partner.joined_at,
                direct_referrals=levels[0],
                total_team_size=sum(levels),
                parent_chain=[_link(top, person) for person in between.get(partner.pk, [])],
                **{column: totals.get(column, {}).get(partner.pk, 0) for column in enrichment.COLUMNS},
            )
        )
    return rows


def _link(top: Partner, person: Partner) -> ChainLink:
    assert person.user is not None
    return ChainLink(person.pk, name_below(person.user.full_name, person.user.email), top.level_of(person))
