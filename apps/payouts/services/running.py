"""A batch on its way: a few hundred people at a time, each step a transaction that the outbox hands on. What a kill interrupts is
done again as if it had never begun."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import CryptoAddress
from apps.audit import services as audit
from apps.core import outbox
from apps.core.errors import Conflict
from apps.core.ids import uuid7
from apps.core.models import OutboxEvent
from apps.payouts import gateways
from apps.payouts.models import OwnMethod, Payout, PayoutBatch, PayoutBatchItem, PayoutTransfer
from apps.payouts.services import settling
from apps.payouts.services.sending import write_down
from apps.sites.selectors import site_settings
from apps.wallet import services as wallet
from apps.wallet.services import guards

TOPIC = "payout_batch.step"
STEP = 250
Item = PayoutBatchItem.Status
Status = PayoutBatch.Status


def locked_batch(pk: UUID) -> PayoutBatch:
    return PayoutBatch.objects.select_for_update(no_key=True).get(pk=pk)


def next_step(batch: PayoutBatch, number: int) -> None:
    """Hand the next people to the outbox, which runs `run_step` after the commit."""
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
    items.sort(key=lambda item: item.user_id)  # two batches of the same people take them in one order
    if not items:
        batch.advance(to=Status.SENT)
        batch.sent_at = timezone.now()
        batch.save(update_fields=["status", "sent_at"])
        return
    _begin(batch, items)
    PayoutBatchItem.objects.bulk_update(items, ["status", "code", "payout"])
    next_step(batch, number + 1)


def _begin(batch: PayoutBatch, items: list[PayoutBatchItem]) -> None:
    """What was proposed may not hold any more: it is looked at again, as it is now."""
    stay = guards.staying(item.user_id for item in items)
    removed, closed, cold = _removed(items), _closed(items), _paid_lately(items)
    for item in items:
        if item.user_id in stay:
            _leave_out(item, stay[item.user_id])
        elif item.pk in removed:
            _leave_out(item, "invalid_state")
        elif item.pk in closed:
            _leave_out(item, "gateway_unavailable")
        elif item.user_id in cold and item.payout_id is None:
            _leave_out(item, "cooldown")
    approved = _approved([item for item in items if item.status == Item.READY and item.payout_id is not None])
    made = _made(batch, [item for item in items if item.status == Item.READY and item.payout_id is None])
    _process(batch, [*approved, *made])


def _removed(items: Sequence[PayoutBatchItem]) -> set[UUID]:
    """Items whose method, or the address behind it, its owner has removed since. An open request keeps its own."""
    chosen = {item.pk: item.method.address_id or item.method.pk for item in items if item.method and not item.payout_id}
    kept = set(OwnMethod.objects.filter(pk__in=chosen.values()).values_list("pk", flat=True))
    return {pk for pk, method_id in chosen.items() if method_id not in kept}


def _closed(items: Sequence[PayoutBatchItem]) -> set[UUID]:
    """Items whose gateway would not take their method now: its account was switched off, or it pays on another network."""
    offered, network = gateways.offered_kinds(), site_settings().payout_network
    addresses = [item.method.address_id for item in items if item.method and item.method.address_id]
    takes = {None, *CryptoAddress.objects.filter(pk__in=addresses, network=network).values_list("pk", flat=True)}
    return {
        item.pk
        for item in items
        if item.method
        and gateways.find_class(item.gateway).way == gateways.Way.OUTSIDE
        and (offered.get(item.method.kind) != item.gateway or item.method.address_id not in takes)
    }


def _paid_lately(items: Sequence[PayoutBatchItem]) -> set[UUID]:
    """People another batch, or a person, has paid since, within the site's cooldown."""
    hours = site_settings().payout_cooldown_hours
    if not hours:
        return set()
    rows = Payout.objects.filter(
        user_id__in=[item.user_id for item in items], status=Payout.Status.COMPLETED,
        finished_at__gt=timezone.now() - timedelta(hours=hours),
    )  # fmt: skip
    return set(rows.values_list("user_id", flat=True))


def _leave_out(item: PayoutBatchItem, code: str) -> None:
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
            _leave_out(item, "invalid_state")
            continue
        item.status, row.gateway = Item.BEGUN, item.gateway
        going.append(row)
    return going


def _made(batch: PayoutBatch, items: list[PayoutBatchItem]) -> list[Payout]:
    """New payouts of what these people have earned, APPROVED and held. Who has asked or been paid since is left out."""
    ids = {item.pk: uuid7() for item in items}  # of now, which lists go by; an item's is none in order
    while items:
        try:
            with transaction.atomic():
                return _open(batch, items, ids)
        except wallet.TooLittle as short:
            for item in items:
                if str(ids[item.pk]) in short.keys:
                    _leave_out(item, "insufficient_balance")
            items = [item for item in items if item.status == Item.READY]
    return []


def _open(batch: PayoutBatch, items: list[PayoutBatchItem], ids: dict[UUID, UUID]) -> list[Payout]:
    """Made in the transaction that says so of the item: once, whatever happens."""
    rows = [
        Payout(
            id=ids[item.pk], user_id=item.user_id, amount=item.amount, currency=batch.currency, method=item.method,
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
        if ids[item.pk] in there:
            item.status, item.payout_id = Item.BEGUN, ids[item.pk]
        else:
            _leave_out(item, "payout_in_progress")
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
