"""A batch on its way: a few hundred people at a time, each step a transaction that the outbox hands on. What a kill interrupts is
done again as if it had never begun."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core import outbox
from apps.core.errors import Conflict
from apps.core.models import OutboxEvent
from apps.payouts import gateways
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem, PayoutTransfer
from apps.payouts.services import settling
from apps.payouts.services.proposing import locked_batch
from apps.payouts.services.sending import write_down
from apps.wallet import services as wallet
from apps.wallet.services import guards

TOPIC = "payout_batch.step"
STEP = 250
Item = PayoutBatchItem.Status
Status = PayoutBatch.Status


def next_step(batch: PayoutBatch, number: int) -> None:
    outbox.publish(TOPIC, key=f"{batch.pk}:{number}", payload={"batch": str(batch.pk), "step": number})


def run_steps(events: Sequence[OutboxEvent]) -> None:
    """Outbox consumer of `payout_batch.step`."""
    for event in events:
        run_step(UUID(event.payload["batch"]), event.payload["step"])


@transaction.atomic
def run_step(batch_id: UUID, number: int) -> None:
    """The next people, and the step after."""
    batch = locked_batch(batch_id)
    if batch.status != Status.RUNNING:
        return
    ready = PayoutBatchItem.objects.filter(batch=batch, status=Item.READY).order_by("id")
    items = list(ready.select_for_update(no_key=True, of=("self",)).select_related("method")[:STEP])
    if not items:
        batch.advance(to=Status.SENT)
        batch.sent_at = timezone.now()
        batch.save(update_fields=["status", "sent_at"])
        return
    _begin(batch, items)
    PayoutBatchItem.objects.bulk_update(items, ["status", "code", "payout"])
    next_step(batch, number + 1)


def _begin(batch: PayoutBatch, items: list[PayoutBatchItem]) -> None:
    stay = guards.staying(item.user_id for item in items)
    for item in items:
        if item.user_id in stay:
            _leave(item, stay[item.user_id])
    approved = _approved([item for item in items if item.status == Item.READY and item.payout_id is not None])
    made = _made(batch, [item for item in items if item.status == Item.READY and item.payout_id is None])
    _process(batch, [*approved, *made])


def _leave(item: PayoutBatchItem, code: str) -> None:
    item.status, item.code = Item.LEFT_OUT, code


def _approved(items: list[PayoutBatchItem]) -> list[Payout]:
    """The requests of these items that are approved still."""
    rows = (
        Payout.objects.filter(pk__in=[item.payout_id for item in items]).order_by("pk").select_for_update(no_key=True)
    )
    found = {row.pk: row for row in rows}
    going = []
    for item in items:
        row = found[item.payout_id]  # type: ignore[index]
        if row.status != Payout.Status.APPROVED or row.amount != item.amount:
            _leave(item, "invalid_state")
            continue
        item.status, row.gateway = Item.BEGUN, item.gateway
        going.append(row)
    return going


def _made(batch: PayoutBatch, items: list[PayoutBatchItem]) -> list[Payout]:
    """New payouts of what these people have earned, APPROVED and held. Who has asked or been paid since is left out."""
    while items:
        try:
            with transaction.atomic():
                return _open(batch, items)
        except wallet.TooLittle as short:
            for item in items:
                if str(item.pk) in short.keys:
                    _leave(item, "insufficient_balance")
            items = [item for item in items if item.status == Item.READY]
    return []


def _open(batch: PayoutBatch, items: list[PayoutBatchItem]) -> list[Payout]:
    """A payout has its item's id: made once, whatever happens."""
    rows = [
        Payout(
            id=item.pk, user_id=item.user_id, amount=item.amount, currency=batch.currency, method=item.method,
            gateway=item.gateway, status=Payout.Status.APPROVED, approved_at=batch.approved_at,
            approved_by_id=batch.approved_by_id,
        )
        for item in items
    ]  # fmt: skip
    # Who has another open one keeps that: the partial unique index lets one in.
    Payout.objects.bulk_create(rows, ignore_conflicts=True)
    there = set(Payout.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    going = [row for row in rows if row.pk in there]
    wallet.hold_many([wallet.Hold(row.user_id, row.hold_key, row.amount) for row in going], batch.currency)
    for item in items:
        if item.pk in there:
            item.status, item.payout_id = Item.BEGUN, item.pk
        else:
            _leave(item, "payout_in_progress")
    return going


def _process(batch: PayoutBatch, payouts: list[Payout]) -> None:
    """APPROVED → PROCESSING, and what needs no waiting COMPLETED."""
    for row in payouts:
        row.advance(to=Payout.Status.PROCESSING)
        row.processed_by_id = batch.approved_by_id
    Payout.objects.bulk_update(payouts, ["status", "gateway", "processed_by"])
    settling.tell(payouts, before=Payout.Status.APPROVED)
    for name in sorted({row.gateway for row in payouts}):
        some = [row for row in payouts if row.gateway == name]
        gateway = gateways.find_class(name)
        if gateway.way == gateways.Way.OUTSIDE:
            write_down(some, gateway.account_id() or "")
        elif gateway.way == gateways.Way.AT_ONCE:
            settling.complete(some, actor=audit.SYSTEM)


@transaction.atomic
def close_batch(*, batch: PayoutBatch, actor: audit.Actor) -> PayoutBatch:
    """SENT → CLOSED, once each of its payouts is over and none differs at its gateway. Raises Conflict (state, batch_open)."""
    batch = locked_batch(batch.pk)
    rows = batch.payouts
    waiting = rows.filter(status__in=Payout.OPEN).count()
    differing = PayoutTransfer.objects.filter(payout__in=rows).exclude(difference="").count()
    if batch.status == Status.SENT and (waiting or differing):
        message = f"{waiting} of its payouts are on their way, {differing} differ at their gateway."
        raise Conflict("batch_open", message, waiting=waiting, differing=differing)
    batch.advance(to=Status.CLOSED)
    batch.closed_at = timezone.now()
    batch.save(update_fields=["status", "closed_at"])
    audit.record(actor=actor, action="payout_batch.closed", target=batch)
    return batch
