"""Approving and rejecting, by staff or when a hold is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.commissions import errors
from apps.commissions.locks import lock_orders
from apps.commissions.models import Commission
from apps.commissions.services import earnings
from apps.core import outbox
from apps.core.errors import Conflict
from apps.core.ids import uuid7
from apps.referrals.models import Partner

Status = Commission.Status


@dataclass
class Decided:
    """Of many: which were approved, and which not, with the code of the reason."""

    approved: list[UUID] = field(default_factory=list)
    refused: list[tuple[UUID, str]] = field(default_factory=list)


@transaction.atomic
def approve_commission(*, commission: Commission, actor: audit.Actor) -> Commission:
    """PENDING -> APPROVED, and into the partner's earnings. Raises Conflict (state, still held, partner frozen)."""
    pending = _lock_pending([commission.pk])
    if not pending:
        raise _decided(Commission.objects.get(pk=commission.pk))
    if refusal := _refusal(pending[0], timezone.now()):
        raise refusal
    _approve(pending)
    audit.record(actor=actor, action="commission.approved", target=pending[0], after={"amount": pending[0].amount})
    return pending[0]


@transaction.atomic
def approve_commissions(*, ids: Iterable[UUID], actor: audit.Actor) -> Decided:
    """Approve what can be approved of up to a thousand; the others are named with the code they were refused with."""
    wanted = list(dict.fromkeys(ids))
    pending = {commission.pk: commission for commission in _lock_pending(wanted)}
    known = set(Commission.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    decided, now = Decided(), timezone.now()
    for pk in wanted:
        refusal = _refusal(pending[pk], now) if pk in pending else None
        if refusal:
            decided.refused.append((pk, refusal.code))
        elif pk in pending:
            decided.approved.append(pk)
        else:
            decided.refused.append((pk, "invalid_state" if pk in known else "not_found"))
    approved = [pending[pk] for pk in decided.approved]
    _approve(approved)
    audit.record_many(actor=actor, action="commission.approved", targets=[*approved])
    return decided


@transaction.atomic
def reject_commission(*, commission: Commission, reason: str, actor: audit.Actor) -> Commission:
    """PENDING -> REJECTED. Raises Conflict (state)."""
    pending = _lock_pending([commission.pk])
    if not pending:
        raise _decided(Commission.objects.get(pk=commission.pk))
    rejected = pending[0]
    rejected.advance(to=Status.REJECTED)
    rejected.rejected_reason, rejected.closed_at = reason, timezone.now()
    rejected.save(update_fields=["status", "rejected_reason", "closed_at"])
    audit.record(actor=actor, action="commission.rejected", target=rejected, reason=reason)
    return rejected


@transaction.atomic
def approve_due(*, limit: int = 500) -> int:
    """Approve commissions of plans that approve by themselves, once their hold is over. Returns how many.

    Those of frozen partners wait: no timer releases anything of theirs (X11). So do those of disputed orders (X10).
    """
    due = Commission.objects.due(timezone.now()).exclude(partner__status=Partner.Status.FROZEN)
    due = due.filter(order__disputed_at=None)
    commissions = _lock_pending(list(due.order_by("id").values_list("pk", flat=True)[:limit]))
    _approve(commissions)
    return len(commissions)


def _lock_pending(ids: Sequence[UUID]) -> list[Commission]:
    """Those of them that still wait, and will until we are done."""
    pending = Commission.objects.filter(pk__in=ids, status=Status.PENDING)
    lock_orders(pending.values_list("order_id", flat=True))
    return list(pending.select_related("partner", "order").order_by("id"))


def _decided(commission: Commission) -> Conflict:
    return Conflict("invalid_state", f"This commission is {commission.status} already.")


def _refusal(commission: Commission, now: datetime) -> Conflict | None:
    if commission.hold_until > now:
        return errors.held(commission)
    if commission.partner.status == Partner.Status.FROZEN:
        return errors.partner_frozen()
    if commission.order.disputed_at is not None:
        return errors.order_disputed()
    return None


def _approve(commissions: Sequence[Commission]) -> None:
    if not commissions:
        return
    now = timezone.now()
    for commission in commissions:
        commission.advance(to=Status.APPROVED)
        commission.approved_at = now
    ids = [commission.pk for commission in commissions]
    Commission.objects.filter(pk__in=ids).update(status=Status.APPROVED, approved_at=now)
    earnings.credit(commissions)
    payload = {"commission_ids": [str(pk) for pk in ids]}
    outbox.publish("commissions.approved", key=str(uuid7()), payload=payload)
