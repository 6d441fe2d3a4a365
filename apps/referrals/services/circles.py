"""Attempts to stand below oneself. They are refused, and told to whoever looks at such things."""

from uuid import UUID

from apps.audit import services as audit
from apps.core import outbox
from apps.referrals.models import Partner

CIRCLE_REFUSED = "partner.circle_refused"
INTO_OWN_DOWNLINE = "move_into_own_downline"


def note_circle(*, partner_id: UUID, reason: str, actor: audit.Actor) -> None:
    """Called once what was refused has been rolled back (`request.durable`). `reason` is the refusal's code."""
    partner = Partner.objects.people().filter(pk=partner_id).first()
    if partner is None:
        return
    event = audit.record(actor=actor, action=CIRCLE_REFUSED, target=partner, reason=reason)
    outbox.publish(CIRCLE_REFUSED, key=str(event.pk), payload={"partner_id": str(partner_id)})
