"""Becoming a partner."""

from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db import transaction
from treebeard.exceptions import PathOverflow

from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.core.ids import uuid7
from apps.core.postgresql.prepared import fetch_prepared
from apps.rbac.services import give_affiliate_role
from apps.referrals.models import Conversion, Partner
from apps.referrals.models.stats import no_people
from apps.referrals.services.attribution import Attribution, record_conversion
from apps.referrals.services.codes import generate_code
from apps.referrals.services.locks import hold_tree
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_settings

if TYPE_CHECKING:
    from apps.accounts.models import User


def ensure_root(site_id: UUID) -> None:
    """The site's one root, at provisioning: under row level security two signups would race to make it. Idempotent."""
    if not Partner.objects.filter(depth=1).exists():
        Partner.objects.add_root(instance=Partner(kind=Partner.Kind.ROOT, status=Partner.Status.ACTIVE))


@transaction.atomic
def join(
    *, user: "User", sponsor: Partner | None = None, kind: str = Partner.Kind.USER, status: str | None = None,
    attribution: Attribution | None = None,
) -> Partner:  # fmt: skip
    """Give a member their place below `sponsor`, or at the top of the site, with a code and the affiliate role.

    `status` None is what the site's settings say: active at once, or pending until activation. From here to the commit one row
    of the tree is locked, the sponsor's (R11). Raises Invalid (referral_code_inactive), Conflict (already_partner, tree_full).
    """
    hold_tree()
    if status is None:
        required = site_settings().activation == SiteSettings.Activation.REQUIRED
        status = Partner.Status.PENDING if required else Partner.Status.ACTIVE
    give_affiliate_role(user=user)
    parent = _lock_parent(sponsor)
    partner = Partner(user=user, sponsor=sponsor, code=generate_code(), kind=kind, status=status)
    if status == Partner.Status.ACTIVE:
        partner.activated_at = partner.joined_at
    _hang(parent, partner)
    if attribution is not None:
        record_conversion(attribution=attribution, kind=Conversion.Kind.SIGNUP, subject_id=partner.pk)
    outbox.publish("partner.joined", key=str(partner.pk), payload={"partner_id": str(partner.pk)})
    return partner


def _lock_parent(sponsor: Partner | None) -> Partner:
    """The node to hang below, locked. A sponsor frozen since the code was typed is refused here."""
    if sponsor is None:
        return Partner.objects.select_for_update().get(depth=1)
    parent = Partner.objects.select_for_update().get(pk=sponsor.pk)
    if not parent.is_active:
        raise Invalid("referral_code_inactive", "This referral code isn't in use.", field="referral_code")
    return parent


_LAST_CHILD = """
SELECT path FROM referrals_partner WHERE depth = %s AND path > %s AND path < %s ORDER BY path DESC LIMIT 1
"""
_HANG = """
WITH joined AS (
    INSERT INTO referrals_partner (id, site_id, path, depth, numchild, user_id, sponsor_id, code, status, kind, joined_at,
                                   activated_at)
    VALUES (%(id)s, %(site_id)s, %(path)s, %(depth)s, 0, %(user_id)s, %(sponsor_id)s, %(code)s, %(status)s, %(kind)s,
            %(joined_at)s, %(activated_at)s)
    ON CONFLICT (site_id, user_id) DO NOTHING RETURNING id
), counted AS (
    UPDATE referrals_partner SET numchild = numchild + 1 WHERE id = %(parent_id)s AND EXISTS (SELECT FROM joined)
), known AS (
    INSERT INTO referrals_partnerstats (id, site_id, partner_id, levels)
    SELECT %(stats_id)s, %(site_id)s, id, %(levels)s::bigint[] FROM joined
), waiting AS (
    INSERT INTO referrals_statstail (id, site_id, partner_id) SELECT %(tail_id)s, %(site_id)s, id FROM joined
)
SELECT id FROM joined
"""


def _hang(parent: Partner, partner: Partner) -> None:
    """What treebeard's add_child does to a locked parent, and the row's statistics with it, in two statements.

    The sponsor's row is locked meanwhile, and everybody else who joins below it waits: two statements instead of ten let twice as
    many join in a second (bin/bench signups_hot_sponsor). Raises Conflict (already_partner, tree_full).
    """
    depth = parent.depth + 1
    last = fetch_prepared(_LAST_CHILD, [depth, parent.path, f"{parent.path}~"])
    partner.path, partner.depth = _next_path(parent, last[0][0] if last else None), depth
    values = {field.attname: getattr(partner, field.attname) for field in partner._meta.concrete_fields}
    more = {"parent_id": parent.pk, "stats_id": uuid7(), "tail_id": uuid7(), "levels": no_people()}
    if not fetch_prepared(_HANG, values | more):
        raise Conflict("already_partner", "They are a partner of this site already.")
    parent.numchild += 1
    partner._state.adding, partner._state.db = False, "default"


def _next_path(parent: Partner, last: str | None) -> str:
    """In treebeard's own steps, so that its moves and checks find what they know."""
    try:
        path: str = Partner(path=last)._inc_path() if last else Partner._get_path(parent.path, parent.depth + 1, 1)
    except PathOverflow as error:
        raise Conflict("tree_full", "The tree has no room below this sponsor.") from error
    if len(path) > cast(int, Partner._meta.get_field("path").max_length):
        raise Conflict("tree_full", "The tree has no room below this sponsor.")
    return path
