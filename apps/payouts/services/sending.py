"""How a payout gets to its gateway, and how we know what became of it (reliability.md, rules 7 and 9).

Each step is a short transaction, the call between two of them is in none. A call whose outcome isn't known is followed by a
question, never by a second sending; and should both cross on their way, the same key is the same payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core import waking
from apps.core.crypto import Undecryptable
from apps.core.errors import Conflict, DomainError, Invalid
from apps.core.sending import ASK_AGAIN, ask_later, claim, keep, note
from apps.core.tenancy import require_site_id, site_context
from apps.payouts.gateways import Gateway, Instruction, Refused, Reported, Stage, Unknown, find_class, known
from apps.payouts.models import UNKNOWN, Payout, PayoutTransfer
from apps.payouts.services import settling
from apps.payouts.services.methods import read_details
from apps.wallet.services.guards import check_may_leave

Status = PayoutTransfer.Status


@dataclass(frozen=True)
class _Claimed:
    gateway: Gateway
    instruction: Instruction
    is_known: bool  # the gateway has it
    is_first: bool
    may_send: bool


def write_down(payouts: Sequence[Payout], account_id: str) -> None:
    """The intents of payouts that are PROCESSING; sent after the commit."""
    rows = [PayoutTransfer(payout=row, gateway=row.gateway, account=account_id) for row in payouts]
    PayoutTransfer.objects.bulk_create(rows)
    waking.after_commit("apps.payouts.tasks.push_payouts_of_site", str(require_site_id()))


def push_transfer(*, site_id: UUID | str, transfer_id: UUID | str) -> bool:
    """One step of a transfer that is due: ask about it, and send it if the gateway has never heard of it.

    Called outside of a transaction; safe to repeat and to run twice at once. False: somebody else is at it, or it is over. Raises
    Unknown when the gateway tells nothing; the next sweep asks again.
    """
    try:
        with site_context(site_id):
            claimed = _claim(transfer_id)
        if claimed is None:
            return False
        told = _ask_or_send(claimed)
    except Refused as error:
        with site_context(site_id):
            _refused(transfer_id, str(error))
        return True
    except Unknown:
        with site_context(site_id):
            _unknown(transfer_id)
        raise
    with site_context(site_id):
        if told is None:
            _missing(transfer_id)
        else:
            apply_report(locked(transfer_id), told)
    return True


def _claim(transfer_id: UUID | str) -> _Claimed | None:
    """Raises Unknown: the gateway or the method's details can't be read as things are."""
    transfer = claim(PayoutTransfer.objects.select_related("payout__method"), transfer_id)
    if transfer is None:
        return None
    payout = transfer.payout
    if transfer.gateway not in known():
        raise Unknown(f"No gateway {transfer.gateway} is set up any more")
    try:
        details = read_details(payout.method) if payout.method is not None else {}
    except Undecryptable as error:
        raise Unknown("The details of the payout method can't be opened") from error
    instruction = Instruction(
        key=transfer.key, amount=payout.amount, currency=payout.currency, note=payout.number, details=details
    )
    gateway = find_class(transfer.gateway).open(transfer.account)
    return _Claimed(gateway, instruction, transfer.status == Status.SENT, transfer.tries == 1, _may_send(payout))


def _may_send(payout: Payout) -> bool:
    try:
        check_may_leave(payout.user_id)
    except DomainError:
        return False
    return True


def _ask_or_send(claimed: _Claimed) -> Reported | None:
    """None: the gateway knows nothing of one that it once had, or that may not be sent now. Raises Refused, Unknown."""
    if claimed.is_first and not claimed.may_send:
        raise Refused("The account was frozen or held before it was sent")
    if not claimed.is_first or claimed.is_known:
        told = claimed.gateway.find(claimed.instruction.key)
        if told is not None or claimed.is_known or not claimed.may_send:
            return told
    return claimed.gateway.send(claimed.instruction)


@transaction.atomic
def settle_difference(*, transfer: PayoutTransfer, actor: audit.Actor, reason: str) -> PayoutTransfer:
    """A person has looked at what the gateway says otherwise, and `reason` says what came of it: it stops nobody any more.

    Moves no money. Raises Invalid (no reason), Conflict (invalid_state: nothing differs).
    """
    if not reason.strip():
        raise Invalid("invalid", "Say what came of it.", field="reason")
    found = locked(transfer.pk)
    if not found.difference:
        raise Conflict("invalid_state", "Nothing differs here.")
    before, found.difference = found.difference, ""
    keep(found)
    audit.record(
        actor=actor,
        action="payout.difference_settled",
        target=found.payout,
        before={"difference": before},
        reason=reason,
    )
    return found


def locked(transfer_id: UUID | str) -> PayoutTransfer:
    """The transfer with its payout, which is locked first."""
    payout_id = PayoutTransfer.objects.values_list("payout_id", flat=True).get(pk=transfer_id)
    payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
    transfer = PayoutTransfer.objects.select_for_update(no_key=True).get(pk=transfer_id)
    transfer.payout = payout
    return transfer


@transaction.atomic
def apply_report(transfer: PayoutTransfer, told: Reported) -> str:
    """What the gateway says of a locked transfer. States only move forward.

    Returns "" or why nothing moved: another amount or destination than ours, gone back since, or nothing new.
    """
    differs = _difference(transfer, told)
    if differs:
        note(transfer, differs)
        return differs
    if transfer.provider_id is None:
        transfer.provider_id = told.provider_id
    if told.stage == Stage.REVERSED:
        return _reversed(transfer, told)
    to = Status(told.stage.value)
    if not transfer.advance(to=to):
        return _stay(transfer, told, to)
    transfer.provider_state, transfer.difference = told.state, ""
    transfer.next_at = timezone.now() + ASK_AGAIN[0]
    if to == Status.SENT:
        _say(transfer.payout, told.state)
    else:
        _finish(transfer, told)
    keep(transfer)
    return ""


def _finish(transfer: PayoutTransfer, told: Reported) -> None:
    payout = transfer.payout
    transfer.finished_at, transfer.failure = timezone.now(), told.failure[:200]
    payout.provider_state = told.state
    if transfer.status == Status.COMPLETED:
        payout.reference = told.reference[:120]
        settling.complete([payout], actor=audit.SYSTEM)
    else:
        payout.reason = (told.failure or told.state)[:500]
        settling.fail([payout], actor=audit.SYSTEM)


def _reversed(transfer: PayoutTransfer, told: Reported) -> str:
    """Arrived, and went back since. Before we knew that it had arrived, and wholly: it never did. Else a person looks."""
    if transfer.status in PayoutTransfer.OPEN and told.state == "reversed":
        transfer.advance(to=Status.FAILED)
        transfer.provider_state = told.state
        _finish(transfer, told)
        keep(transfer)
        return ""
    if transfer.status in PayoutTransfer.OPEN:
        transfer.advance(to=Status.COMPLETED)
        _finish(transfer, told)
    transfer.provider_state = told.state
    note(transfer, f"Went back after it had arrived: {told.state}")
    return transfer.difference


def _stay(transfer: PayoutTransfer, told: Reported, to: str) -> str:
    """It is as far as that already, or further."""
    if transfer.status == Status.SENT:
        transfer.provider_state = told.state
        ask_later(transfer)
        keep(transfer)
        _say(transfer.payout, told.state)
        return ""
    # That it was made is older news than that it went back.
    went_back = transfer.status == Status.FAILED and transfer.provider_state == "reversed"
    if {to, transfer.status} == {Status.COMPLETED, Status.FAILED} and not went_back:
        note(transfer, f"The gateway says {told.state}, after it was known to have {transfer.status}")
        return "it was over before"
    return "known already"


@transaction.atomic
def _refused(transfer_id: UUID | str, why: str) -> None:
    """The gateway took it not at all, so it can't arrive."""
    transfer = locked(transfer_id)
    if transfer.status != Status.WAITING:
        return  # an event was faster
    transfer.advance(to=Status.FAILED)
    transfer.finished_at, transfer.failure = timezone.now(), why[:200]
    keep(transfer)
    transfer.payout.reason = why[:500]
    settling.fail([transfer.payout], actor=audit.SYSTEM)


@transaction.atomic
def _unknown(transfer_id: UUID | str) -> None:
    transfer = locked(transfer_id)
    if transfer.status in PayoutTransfer.OPEN:
        ask_later(transfer)
        keep(transfer)
        _say(transfer.payout, UNKNOWN)


@transaction.atomic
def _missing(transfer_id: UUID | str) -> None:
    transfer = locked(transfer_id)
    if transfer.status not in PayoutTransfer.OPEN:
        return
    transfer.next_at = timezone.now() + ASK_AGAIN[1]
    if transfer.status == Status.SENT:
        note(transfer, "The gateway has no payment of this key any more")
    else:
        keep(transfer)


def _difference(transfer: PayoutTransfer, told: Reported) -> str:
    payout = transfer.payout
    if transfer.provider_id not in (None, told.provider_id):
        return "Another payment of the gateway's has the same key of ours"
    if told.amount is not None and told.amount != payout.amount:
        return f"Another amount than was to be paid: {told.amount}"
    if told.currency is not None and told.currency != payout.currency:
        return f"Another currency than was to be paid: {told.currency}"
    if told.destination is not None and payout.method is not None:
        gateway = find_class(transfer.gateway)
        if not gateway.is_destination(told.destination, read_details(payout.method)):
            return "Another destination than was to be paid to"
    return ""


def _say(payout: Payout, state: str) -> None:
    if payout.provider_state != state[:64]:
        payout.provider_state = state[:64]
        payout.save(update_fields=["provider_state"])
