"""Becoming a partner."""

from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db import connection, transaction
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
    partner = Partner(user=user, sponsor=sponsor, code=generate_code(), kind=kind, status=status)
    if status == Partner.Status.ACTIVE:
        partner.activated_at = partner.joined_at
    _hang(partner, sponsor.pk if sponsor else Partner.objects.values_list("pk", flat=True).get(depth=1))
    if attribution is not None:
        record_conversion(attribution=attribution, kind=Conversion.Kind.SIGNUP, subject_id=partner.pk)
    outbox.publish("partner.joined", key=str(partner.pk), payload={"partner_id": str(partner.pk)})
    return partner


# Two statements in one round trip. The second has a snapshot of its own, so it sees who came while the first waited for the row;
# and the path stands still, since whoever moves somebody waits for all that hold the tree.
_LAST_CHILD = """
SELECT path FROM referrals_partner
WHERE depth = (SELECT depth + 1 FROM referrals_partner WHERE id = %(parent_id)s)
  AND path > (SELECT path FROM referrals_partner WHERE id = %(parent_id)s)
  AND path < (SELECT path || '~' FROM referrals_partner WHERE id = %(parent_id)s)
ORDER BY path DESC LIMIT 1
"""
_LOCK_PARENT = f"""
SELECT path, depth, status FROM referrals_partner WHERE id = %(parent_id)s FOR NO KEY UPDATE;
{_LAST_CHILD}
"""  # noqa: S608 - a constant
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


def _hang(partner: Partner, parent_id: UUID) -> None:
    """What treebeard's add_child does, and the row's statistics with it, in two round trips.

    The sponsor's row is locked meanwhile, and everybody else who joins below it waits: with ten round trips a third as many could
    join in a second (bin/bench signups_hot_sponsor). Raises Invalid (referral_code_inactive: frozen since the code was typed) and
    Conflict (already_partner, tree_full).
    """
    values = {field.attname: getattr(partner, field.attname) for field in partner._meta.concrete_fields}
    values |= {"parent_id": parent_id, "stats_id": uuid7(), "tail_id": uuid7(), "levels": no_people()}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PARENT, {"parent_id": parent_id})
        path, depth, status = cursor.fetchone()
        cursor.nextset()
        last = cursor.fetchone()
    if partner.sponsor_id and status != Partner.Status.ACTIVE:
        raise Invalid("referral_code_inactive", "This referral code isn't in use.", field="referral_code")
    partner.path, partner.depth = _next_path(path, depth, last[0] if last else None), depth + 1
    if not fetch_prepared(_HANG, values | {"path": partner.path, "depth": partner.depth}):
        raise Conflict("already_partner", "They are a partner of this site already.")
    partner._state.adding, partner._state.db = False, "default"


def _next_path(parent: str, depth: int, last: str | None) -> str:
    """In treebeard's own steps, so that its moves and checks find what they know."""
    try:
        path: str = Partner(path=last)._inc_path() if last else Partner._get_path(parent, depth + 1, 1)
    except PathOverflow as error:
        raise Conflict("tree_full", "The tree has no room below this sponsor.") from error
    if len(path) > cast(int, Partner._meta.get_field("path").max_length):
        raise Conflict("tree_full", "The tree has no room below this sponsor.")
    return path
