"""Bonuses into earnings, and back when the deposit they are for goes back."""

from collections.abc import Callable, Sequence
from typing import Protocol

from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.audit import services as audit
from apps.bonuses.models import Bonus, BonusRule
from apps.core import money, outbox
from apps.core.models import OutboxEvent
from apps.referrals.models import Partner
from apps.wallet import services as wallet
from apps.wallet.models import Books, Deposit, Entry

Status = Bonus.Status
DEPOSIT_REFUNDED = "deposit_refunded"

_verdicts: list[str] = []


def await_verdict(path: str) -> None:
    """Name a function (bonus) -> bool of an upper app, in AppConfig.ready: False keeps a bonus from being credited by itself.

    Whoever said False calls `credit_if_cleared` once there is a verdict, or freezes it.
    """
    if path not in _verdicts:
        _verdicts.append(path)


def credit_automatically(events: Sequence[OutboxEvent]) -> None:
    """Consumes `bonus.created` {bonus_id}, after the event is committed: so there is a moment to hold it."""
    for event in events:
        credit_if_cleared(Bonus.objects.get(pk=event.payload["bonus_id"]))


@transaction.atomic
def credit_if_cleared(bonus: Bonus) -> bool:
    """PENDING -> CREDITED where the rule says so and nobody objects. A flagged one never is. True if it was credited."""
    bonus = locked(bonus)
    if bonus.status != Status.PENDING or bonus.approval_mode != Bonus.Approval.AUTO or bonus.flagged_fraud:
        return False
    if not Partner.objects.filter(user_id=bonus.referrer_id, status=Partner.Status.ACTIVE).exists():
        return False
    for path in _verdicts:
        cleared: Callable[[Bonus], bool] = import_string(path)
        if not cleared(bonus):
            return False
    credit(bonus, actor=audit.SYSTEM)
    return True


def locked(bonus: Bonus) -> Bonus:
    return Bonus.objects.select_for_update(no_key=True, of=("self",)).select_related("rule").get(pk=bonus.pk)


def credit(bonus: Bonus, *, actor: audit.Actor, reason: str = "") -> None:
    """PENDING, APPROVED -> CREDITED. `bonus` is locked."""
    before = bonus.status
    bonus.advance(to=Status.CREDITED)
    now = timezone.now()
    bonus.credited_at, bonus.decided_at = now, bonus.decided_at or now
    fields = ["status", "credited_at", "decided_at"]
    if reason:
        bonus.reason = reason
        fields.append("reason")
    if isinstance(actor, User):
        bonus.approved_by = actor
        fields.append("approved_by")
    bonus.save(update_fields=fields)
    meta = {"event_type": bonus.event_type, "source": bonus.source}
    given = wallet.Credit(bonus.referrer_id, bonus.rest, bonus.currency, bonus.ref_type, str(bonus.pk), meta)
    wallet.credit_earnings([given], kind=Entry.Kind.BONUS, book=Books.BONUSES)
    audit.record(
        actor=actor, action="bonus.credited", target=bonus, before={"status": before}, reason=reason,
        after={"status": bonus.status, "amount": bonus.rest},
    )  # fmt: skip
    outbox.publish("bonus.credited", key=str(bonus.pk), payload={"bonus_id": str(bonus.pk)})


# --- refunds of the deposit ------------------------------------------------------------------------------------------------


def follow_refunds(events: Sequence[OutboxEvent]) -> None:
    """Consumes `deposit.refunded` {deposit_id}."""
    for event in events:
        deposit = Deposit.objects.get(pk=event.payload["deposit_id"])
        bonus = Bonus.objects.filter(deposit=deposit).first()
        if bonus is not None:
            follow_refund(bonus, deposit)


class Deposited(Protocol):
    """A deposit of ours, or one made elsewhere (services.reports). Minor units."""

    @property
    def amount(self) -> int: ...
    @property
    def refunded_amount(self) -> int: ...
    @property
    def rest(self) -> int: ...


@transaction.atomic
def follow_refund(bonus: Bonus, deposit: Deposited, *, actor: audit.Actor = audit.SYSTEM) -> bool:
    """Take from a bonus what the refunds of its deposit take from it, once: CREDITED -> REVERSED when that is all of it.

    One that was not credited yet is worth less, or is rejected. False where nothing is to be taken.
    """
    bonus = locked(bonus)
    more = _to_take(bonus, deposit) - bonus.reversed_amount
    if more <= 0 or bonus.status not in (*Bonus.OPEN, Status.CREDITED):
        return False
    before, was_credited = bonus.status, bonus.status == Status.CREDITED
    bonus.reversed_amount += more
    fields = ["reversed_amount"]
    if not bonus.rest:
        fields += _end(bonus)
    bonus.save(update_fields=fields)
    if was_credited:
        _take_back(bonus, more)
    audit.record(
        actor=actor, action="bonus.reversed", target=bonus, reason=DEPOSIT_REFUNDED, before={"status": before},
        after={"status": bonus.status, "reversed_amount": bonus.reversed_amount},
    )  # fmt: skip
    return True


def _to_take(bonus: Bonus, deposit: Deposited) -> int:
    """All of it where nothing is left of the deposit, or less than the rule asks for; else a percentage in proportion."""
    rule = bonus.rule
    if not deposit.rest or deposit.rest < rule.min_deposit:
        return bonus.amount
    if rule.kind == BonusRule.Kind.PERCENT:
        return money.share(bonus.amount, deposit.refunded_amount, deposit.amount)
    return 0


def _end(bonus: Bonus) -> list[str]:
    if bonus.status == Status.FROZEN:  # a frozen one only ever goes back to waiting
        bonus.advance(to=Status.PENDING)
        bonus.save(update_fields=["status"])
    bonus.advance(to=Status.REVERSED if bonus.status == Status.CREDITED else Status.REJECTED)
    bonus.reason, bonus.decided_at = DEPOSIT_REFUNDED, timezone.now()
    return ["status", "reason", "decided_at"]


def _take_back(bonus: Bonus, amount: int) -> None:
    """From what is still in earnings of it; the rest, which a payout has, is clawed back like a commission's."""
    ref = str(bonus.pk)

    def reversal(part: int, key: str) -> wallet.Reversal:
        return wallet.Reversal(
            bonus.referrer_id, part, bonus.currency, bonus.ref_type, ref, f"{bonus.ref_type}:{ref}:{key}"
        )

    key = f"refund:{bonus.reversed_amount}"
    asked = reversal(amount, key)
    rest = amount - wallet.take_from_lots([asked], book=Books.BONUSES).get(asked.key, 0)
    if rest:
        wallet.claw_back([reversal(rest, f"{key}:clawback")], book=Books.BONUSES)
