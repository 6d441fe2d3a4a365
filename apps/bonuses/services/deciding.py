"""What staff decide about bonuses (A7). Nobody decides about their own."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.bonuses import errors
from apps.bonuses.models import Bonus
from apps.bonuses.services.crediting import credit, locked
from apps.core.errors import Invalid

Status = Bonus.Status
DECISIONS = (Status.APPROVED, Status.REJECTED, Status.CREDITED)


@transaction.atomic
def decide_bonus(*, bonus: Bonus, status: str, reason: str = "", actor: Any) -> Bonus:
    """PENDING -> APPROVED, REJECTED, CREDITED; APPROVED -> CREDITED, REJECTED.

    Raises Conflict invalid_state, Denied own_bonus, Invalid (another status).
    """
    if status not in DECISIONS:
        raise Invalid("invalid", "Approved, rejected or credited.", field="status")
    bonus = _for_decision(bonus, actor)
    if status == Status.CREDITED:
        credit(bonus, actor=actor, reason=reason)
        return bonus
    before = bonus.status
    bonus.advance(to=status)
    bonus.decided_at, bonus.reason = timezone.now(), reason or bonus.reason
    fields = ["status", "decided_at", "reason"]
    if status == Status.APPROVED:
        bonus.approved_by = actor
        fields.append("approved_by")
    bonus.save(update_fields=fields)
    _record(bonus, f"bonus.{status}", before, actor, reason)
    return bonus


@transaction.atomic
def freeze_bonus(*, bonus: Bonus, fraud_notes: str = "", actor: Any) -> Bonus:
    """PENDING, APPROVED -> FROZEN, flagged. From now on only a person credits it."""
    bonus = _for_decision(bonus, actor)
    before = bonus.status
    bonus.advance(to=Status.FROZEN)
    person = actor if isinstance(actor, User) else None
    bonus.flagged_fraud, bonus.frozen_by, bonus.approval_mode = True, person, Bonus.Approval.MANUAL
    bonus.fraud_notes = fraud_notes or bonus.fraud_notes
    bonus.save(update_fields=["status", "flagged_fraud", "frozen_by", "approval_mode", "fraud_notes"])
    _record(bonus, "bonus.frozen", before, actor, fraud_notes)
    return bonus


@transaction.atomic
def unfreeze_bonus(*, bonus: Bonus, fraud_notes: str = "", actor: Any) -> Bonus:
    """FROZEN -> PENDING, no longer flagged. Nothing credits it by itself."""
    bonus = _for_decision(bonus, actor)
    before = bonus.status
    bonus.advance(to=Status.PENDING)
    bonus.flagged_fraud, bonus.fraud_notes = False, fraud_notes or bonus.fraud_notes
    bonus.save(update_fields=["status", "flagged_fraud", "fraud_notes"])
    _record(bonus, "bonus.unfrozen", before, actor, fraud_notes)
    return bonus


@transaction.atomic
def restore_bonus(
    *, bonus: Bonus, status: str, approval_mode: str, flagged_fraud: bool, fraud_notes: str = "", reason: str = "",
    actor: audit.Actor,
) -> Bonus:  # fmt: skip
    """FROZEN -> PENDING or APPROVED, as it was when somebody's freeze took it along. Nothing credits it by itself.

    Raises Conflict invalid_state where it is not frozen any more.
    """
    bonus = _for_decision(bonus, actor)
    before = bonus.status
    bonus.advance(to=Status.PENDING)
    bonus.approval_mode, bonus.flagged_fraud, bonus.fraud_notes = approval_mode, flagged_fraud, fraud_notes
    bonus.save(update_fields=["status", "approval_mode", "flagged_fraud", "fraud_notes"])
    if status == Status.APPROVED:  # the database wants each step
        bonus.advance(to=Status.APPROVED)
        bonus.save(update_fields=["status"])
    _record(bonus, "bonus.unfrozen", before, actor, reason)
    return bonus


def _for_decision(bonus: Bonus, actor: Any) -> Bonus:
    bonus = locked(bonus)
    if bonus.referrer_id == actor.actor_id:
        raise errors.own_bonus()
    return bonus


def _record(bonus: Bonus, action: str, before: str, actor: Any, reason: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=bonus,
        before={"status": before},
        after={"status": bonus.status},
        reason=reason,
    )
