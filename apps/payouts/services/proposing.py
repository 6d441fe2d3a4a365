"""A batch before it runs: proposed, looked at again, dropped, or approved by another."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid
from apps.payouts import errors
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem
from apps.payouts.selectors import is_scheduled_on
from apps.payouts.services.decisions import person_of
from apps.payouts.services.previewing import leave_out, look, sum_up
from apps.payouts.services.running import locked_batch, next_step
from apps.sites.selectors import current_site, site_day, site_settings

Status = PayoutBatch.Status


@transaction.atomic
def propose_batch(
    *, with_requests: bool, with_available: bool, actor: audit.Actor, due_on: date | None = None
) -> PayoutBatch:
    """PROPOSED, with an item for everybody it looked at. `with_requests`: all approved payouts; `with_available`: what everybody
    has earned, from the site's minimum on. Raises Invalid (neither), Conflict (nothing_to_pay)."""
    if not (with_requests or with_available):
        raise Invalid("invalid", "Requests, earnings or both.", field="with_requests")
    batch = PayoutBatch.objects.create(
        with_requests=with_requests, with_available=with_available, due_on=due_on, currency=current_site().currency,
        created_by_id=person_of(actor),
    )  # fmt: skip
    look(batch)
    if not batch.count and not batch.left_out:
        raise errors.nothing_to_pay()
    audit.record(actor=actor, action="payout_batch.proposed", target=batch, after=_told(batch))
    return batch


@transaction.atomic
def refresh_batch(*, batch: PayoutBatch, actor: audit.Actor) -> PayoutBatch:
    """Look again at a PROPOSED one; who does has proposed what it then says. Raises Conflict (state)."""
    batch = locked_batch(batch.pk)
    _require_proposed(batch)
    PayoutBatchItem.objects.filter(batch=batch).delete()
    batch.created_by_id = person_of(actor)
    batch.save(update_fields=["created_by"])
    look(batch)
    audit.record(actor=actor, action="payout_batch.refreshed", target=batch, after=_told(batch))
    return batch


@transaction.atomic
def cancel_batch(*, batch: PayoutBatch, actor: audit.Actor) -> PayoutBatch:
    """PROPOSED → CANCELLED. Raises Conflict (state)."""
    batch = locked_batch(batch.pk)
    batch.advance(to=Status.CANCELLED)
    batch.save(update_fields=["status"])
    audit.record(actor=actor, action="payout_batch.cancelled", target=batch)
    return batch


@transaction.atomic
def approve_batch(*, batch: PayoutBatch, actor: audit.Actor, seen: str) -> PayoutBatch:
    """PROPOSED → RUNNING, by another than who proposed it; `seen` is the digest of what they saw.

    Their own payout is left to others. Raises Denied (own_batch; four_eyes: a machine proposed it, and no person has looked),
    Conflict (state, batch_changed; nothing_to_pay: everybody is left out).
    """
    batch, person = locked_batch(batch.pk), person_of(actor)
    _require_proposed(batch)
    if batch.created_by_id is None and site_settings().four_eyes:
        raise errors.four_eyes()
    if person is None or batch.created_by_id == person:
        raise errors.own_batch()
    if seen != batch.digest:
        raise errors.batch_changed()
    leave_out(batch, "own_payout", user_id=person)
    leave_out(batch, "invalid_state", payout_id__in=_decided_since(batch))
    if site_settings().four_eyes:
        approved_alone = Payout.objects.filter(status=Payout.Status.APPROVED, approved_by_id=person)
        leave_out(batch, "four_eyes", payout_id__in=approved_alone.values("pk"))
    sum_up(batch)
    if not batch.count:
        raise errors.nothing_to_pay()
    batch.advance(to=Status.RUNNING)
    batch.approved_by_id, batch.approved_at = person, timezone.now()
    batch.save(update_fields=["status", "approved_by", "approved_at"])
    audit.record(actor=actor, action="payout_batch.approved", target=batch, after=_told(batch))
    next_step(batch, 0)
    return batch


def _decided_since(batch: PayoutBatch) -> list[UUID]:
    """Requests of it that are approved no more. By their ids: of ten thousand items just written the planner knows nothing yet,
    and a join with them takes longer than a statement may."""
    items = PayoutBatchItem.objects.filter(batch=batch, status=PayoutBatchItem.Status.READY, payout_id__isnull=False)
    ids = list(items.values_list("payout_id", flat=True))
    return list(Payout.objects.filter(pk__in=ids).exclude(status=Payout.Status.APPROVED).values_list("pk", flat=True))


def propose_due() -> PayoutBatch | None:
    """What the site's schedule asks for today, once. Nothing where nobody is to be paid."""
    today = site_day()
    if not is_scheduled_on(site_settings(), today) or PayoutBatch.objects.filter(due_on=today).exists():
        return None
    try:
        with transaction.atomic():
            return propose_batch(with_requests=True, with_available=True, actor=audit.SYSTEM, due_on=today)
    except (Conflict, IntegrityError):  # nobody to pay, or another worker was faster
        return None


def _require_proposed(batch: PayoutBatch) -> None:
    if batch.status != Status.PROPOSED:
        raise Conflict("invalid_state", f"This batch is {batch.get_status_display().lower()}.")


def _told(batch: PayoutBatch) -> dict[str, Any]:
    return {"count": batch.count, "amount": batch.amount, "left_out": batch.left_out, "digest": batch.digest}
