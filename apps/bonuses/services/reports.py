"""First deposits made elsewhere and what of them went back, as a service reports both: the same rules as for our own."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum

from apps.audit import services as audit
from apps.bonuses import errors
from apps.bonuses.models import Bonus, Event, ReportedRefund
from apps.bonuses.services.applying import Applied, FirstThing, apply_first_event
from apps.bonuses.services.crediting import follow_refund
from apps.core.errors import Conflict
from apps.core.locks import hold

ALREADY_USED, NOTHING_TO_REVERSE = "already_used", "nothing_to_reverse"


@dataclass(frozen=True)
class Elsewhere:
    """A deposit that is no row of ours: what a bonus was worked out from, and how much of it went back."""

    amount: int
    refunded_amount: int

    @property
    def rest(self) -> int:
        return max(self.amount - self.refunded_amount, 0)


@transaction.atomic
def report_deposit(*, thing: FirstThing, actor: audit.Actor) -> Applied:
    """A first deposit. One whose refund was reported before it counts for what is left; nothing left is `zero_bonus`.

    Raises NotFound for somebody who is no member of the site.
    """
    _hold(thing.event_ref)
    refunded = _refunded(thing.event_ref)
    if refunded >= thing.amount:
        return Applied(None, "zero_bonus")
    applied = apply_first_event(thing=thing, actor=actor)
    if applied.bonus is not None and refunded:
        follow_refund(applied.bonus, Elsewhere(thing.amount, refunded), actor=actor)
        applied.bonus.refresh_from_db()
    return applied


@transaction.atomic
def report_refund(
    *, deposit_ref: str, amount: int, refund_ref: str = "", user_id: UUID | None = None, actor: Any
) -> Applied:
    """`amount` of a deposit went back, known by `refund_ref` (by the deposit's own where it goes back at once). Once for ever.

    `applied` with the bonus it took from; else the reason: already_used for a replay, nothing_to_reverse where no bonus follows.
    Raises Conflict (ref_conflict: another amount under this ref; invalid_state: a deposit of our own wallet; deposit_ambiguous),
    Invalid refund_exceeds_deposit.
    """
    _hold(deposit_ref)
    bonus = _bonus_of(deposit_ref, user_id)
    refund_ref = refund_ref or deposit_ref
    if bonus is not None and _refunded(deposit_ref, but=refund_ref) + amount > bonus.base_amount:
        raise errors.refund_exceeds_deposit()
    if not _keep(deposit_ref, refund_ref, amount, actor):
        return Applied(None, ALREADY_USED)
    if bonus is None:
        return Applied(None, NOTHING_TO_REVERSE)
    moved = follow_refund(bonus, Elsewhere(bonus.base_amount, _refunded(deposit_ref)), actor=actor)
    bonus.refresh_from_db()
    return Applied(bonus) if moved else Applied(bonus, NOTHING_TO_REVERSE, unmoved=True)


def _hold(ref: str) -> None:
    """A deposit and its refund that are reported at the same moment follow each other. Before every lock of applying."""
    hold(f"bonuses.deposit.{ref}")


def _refunded(ref: str, *, but: str = "") -> int:
    rows = ReportedRefund.objects.filter(deposit_ref=ref).exclude(refund_ref=but)
    return rows.aggregate(total=Sum("amount"))["total"] or 0


def _bonus_of(ref: str, user_id: UUID | None) -> Bonus | None:
    found = Bonus.objects.filter(event__event_ref=ref, event_type=Event.FIRST_DEPOSIT).select_related("event")
    if user_id is not None:
        found = found.filter(referred_id=user_id)
    rows = list(found.order_by("id")[:2])
    if len(rows) > 1:
        raise Conflict("deposit_ambiguous", "Two people's deposits have this id. Say user_id.", field="user_id")
    if rows and rows[0].deposit_id is not None:
        raise Conflict("invalid_state", "A deposit of our own wallet: its refund is known by itself.")
    return rows[0] if rows else None


def _keep(deposit_ref: str, refund_ref: str, amount: int, actor: Any) -> bool:
    """False when it is known. Raises Conflict when it is known with another amount."""
    try:
        with transaction.atomic():
            kept = ReportedRefund.objects.create(deposit_ref=deposit_ref, refund_ref=refund_ref, amount=amount)
    except IntegrityError:
        if not ReportedRefund.objects.filter(deposit_ref=deposit_ref, refund_ref=refund_ref, amount=amount).exists():
            raise Conflict("ref_conflict", "This refund was reported with another amount.", field="refund_id") from None
        return False
    audit.record(actor=actor, action="deposit_refund.reported", target=kept, after={"amount": amount})
    return True
