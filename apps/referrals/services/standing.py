"""Whether a partner counts: activation, status, kind."""

from django.db import transaction

from apps.audit import services as audit
from apps.audit.services import Actor
from apps.core import outbox
from apps.core.errors import Conflict, Denied, Invalid
from apps.referrals.models import Partner


@transaction.atomic
def activate(*, partner: Partner, by: str, actor: Actor = audit.SYSTEM) -> Partner:
    """PENDING -> ACTIVE, by a fee or a purchase named in `by`; lifetime (H5). Active already: nothing happens.

    Raises Conflict (invalid_state) for an inactive or frozen partner: money does not undo a decision of the staff.
    """
    partner = _locked(partner)
    if partner.is_active:
        return partner
    if partner.status != Partner.Status.PENDING:
        raise Conflict("invalid_state", f"This partner is {partner.status}.")
    partner.advance(to=Partner.Status.ACTIVE)
    partner.save(update_fields=["status", "activated_at"])
    audit.record(actor=actor, action="partner.activated", target=partner, after={"by": by})
    outbox.publish("partner.activated", key=str(partner.pk), payload={"partner_id": str(partner.pk), "by": by})
    return partner


@transaction.atomic
def revoke_activation(*, partner: Partner, reason: str, actor: Actor = audit.SYSTEM) -> Partner:
    """ACTIVE -> PENDING: what activated them was refunded (H5). Any other state is the staff's decision and stays."""
    partner = _locked(partner)
    if not partner.is_active:
        return partner
    partner.advance(to=Partner.Status.PENDING)
    partner.activated_at = None
    partner.save(update_fields=["status", "activated_at"])
    event = audit.record(actor=actor, action="partner.activation_revoked", target=partner, reason=reason)
    payload = {"partner_id": str(partner.pk), "before": Partner.Status.ACTIVE, "status": partner.status}
    outbox.publish("partner.status_changed", key=str(event.pk), payload=payload)
    return partner


@transaction.atomic
def set_partner_status(*, partner: Partner, status: str, reason: str, actor: Actor) -> Partner:
    """Staff decide, and nobody about themselves. Any state but back to PENDING; the same one again changes nothing.

    Raises Denied (own_partner), Conflict (invalid_state).
    """
    partner = _locked(partner)
    if partner.user_id is not None and partner.user_id == actor.actor_id:
        raise Denied("own_partner", "Somebody else has to decide about your own account.")
    if status == partner.status:
        return partner
    if status == Partner.Status.PENDING:
        raise Conflict("invalid_state", "Only a refund makes a partner wait for activation again.")
    return _change(partner, status, reason, actor)


@transaction.atomic
def thaw_partner(*, partner: Partner, status: str, reason: str, actor: Actor) -> Partner:
    """FROZEN -> `status`, which they had before, also PENDING. Raises Conflict (invalid_state) for who is not frozen."""
    partner = _locked(partner)
    if partner.status != Partner.Status.FROZEN:
        raise Conflict("invalid_state", f"This partner is {partner.status}, not frozen.")
    return _change(partner, status, reason, actor)


def _change(partner: Partner, status: str, reason: str, actor: Actor) -> Partner:
    before = partner.status
    partner.advance(to=status)
    partner.save(update_fields=["status", "activated_at"])
    event = audit.record(
        actor=actor, action="partner.status_changed", target=partner, before={"status": before}, after={"status": status},
        reason=reason,
    )  # fmt: skip
    payload = {"partner_id": str(partner.pk), "before": before, "status": status}
    outbox.publish("partner.status_changed", key=str(event.pk), payload=payload)
    return partner


@transaction.atomic
def set_partner_kind(*, partner: Partner, kind: str, reason: str, actor: Actor) -> Partner:
    """USER <-> AGENT, which other bonus rules read (A2). Raises Invalid for any other kind."""
    if kind not in {Partner.Kind.USER, Partner.Kind.AGENT}:
        raise Invalid("invalid", "A partner is a user or an agent.", field="kind")
    partner = _locked(partner)
    before = partner.kind
    if kind == before:
        return partner
    partner.kind = kind
    partner.save(update_fields=["kind"])
    audit.record(
        actor=actor, action="partner.kind_changed", target=partner, before={"kind": before}, after={"kind": kind},
        reason=reason,
    )  # fmt: skip
    return partner


def _locked(partner: Partner) -> Partner:
    return Partner.objects.people().select_for_update().get(pk=partner.pk)
