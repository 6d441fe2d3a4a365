"""Becoming a partner."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from treebeard.exceptions import PathOverflow

from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.rbac.services import give_affiliate_role
from apps.referrals.models import Conversion, Partner, PartnerStats, StatsTail
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
    _add_child(parent, partner)
    PartnerStats.objects.create(partner=partner)
    StatsTail.objects.create(partner=partner)
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


def _add_child(parent: Partner, partner: Partner) -> None:
    try:
        with transaction.atomic():
            Partner.objects.add_child(parent, instance=partner)
    except PathOverflow as error:
        raise Conflict("tree_full", "The tree has no room below this sponsor.") from error
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name != "referrals_partner_user":  # type: ignore[union-attr]
            raise
        raise Conflict("already_partner", "They are a partner of this site already.") from error
