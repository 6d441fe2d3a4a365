"""How a transfer gets to the custodian, and how we know what became of it (reliability.md, rules 7 and 9).

Each step is a short transaction, the call between two of them is in none. A call whose outcome isn't known is followed by a
question, never by a second sending; and should both cross on their way, the same externalTxId is the same transfer.
"""

from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.addresses import same_address
from apps.allocations.models import Allocation, Transfer
from apps.allocations.services.allocating import follow_line
from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Conflict, Invalid
from apps.core.sending import ASK_AGAIN, ask_later, claim, keep, note
from apps.core.tenancy import site_context
from apps.custody.gateways import Gateway, Instruction, Refused, Reported
from apps.custody.models import CustodyAccount
from apps.custody.services import gateway_of
from apps.referrals.models import Partner

Status = Transfer.Status


class _Claimed(NamedTuple):
    gateway: Gateway
    instruction: Instruction
    is_known: bool  # the custodian has it
    is_first: bool
    may_send: bool


def push_transfer(*, site_id: UUID | str, transfer_id: UUID | str) -> bool:
    """One step of a transfer that is due: ask about it, and send it if the custodian has never heard of it.

    Called outside of a transaction; safe to repeat and to run twice at once. False: somebody else is at it, or it is over. Raises
    Unknown when the custodian tells nothing; the next sweep asks again.
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
    with site_context(site_id):
        if told is None:
            _missing(transfer_id)
        else:
            apply_report(locked(transfer_id), told)
    return True


def _claim(transfer_id: UUID | str) -> _Claimed | None:
    transfer = claim(Transfer.objects.select_related("allocation"), transfer_id)
    if transfer is None:
        return None
    account = CustodyAccount.objects.get()  # also one that takes no new batches: what was begun is seen to its end
    instruction = Instruction(
        external_tx_id=transfer.external_tx_id, asset=transfer.asset, tokens=transfer.tokens, address=address_of(transfer),
        note=f"{transfer.allocation}",
    )  # fmt: skip
    may_send = _may_send(transfer.allocation)
    return _Claimed(gateway_of(account), instruction, transfer.status == Status.SENT, transfer.tries == 1, may_send)


def _may_send(allocation: Allocation) -> bool:
    """What kept an allocation out of a batch (batches.choose) keeps it here too, until the custodian has been called."""
    is_frozen = Partner.objects.filter(user_id=allocation.buyer_id, status=Partner.Status.FROZEN).exists()
    return not is_frozen and allocation.order.disputed_at is None


def _ask_or_send(claimed: _Claimed) -> Reported | None:
    """None: the custodian knows nothing of one that it once had, or that may not be sent now. Raises Refused, Unknown."""
    if claimed.is_first and not claimed.may_send:
        raise Refused("The buyer was frozen, or the payment disputed, before it was sent")
    if not claimed.is_first or claimed.is_known:
        told = claimed.gateway.find(claimed.instruction.external_tx_id)
        if told is not None or claimed.is_known or not claimed.may_send:
            return told
    return claimed.gateway.send(claimed.instruction)


@transaction.atomic
def settle_difference(*, transfer: Transfer, actor: audit.Actor, reason: str) -> Transfer:
    """A person has looked at what the custodian says otherwise, and `reason` says what came of it: it stops nobody any more.

    Sends nothing. Raises Invalid (no reason), Conflict (invalid_state: nothing differs).
    """
    if not reason.strip():
        raise Invalid("invalid", "Say what came of it.", field="reason")
    found = locked(transfer.pk)
    if not found.difference:
        raise Conflict("invalid_state", "Nothing differs here.")
    before, found.difference = found.difference, ""
    keep(found)
    audit.record(
        actor=actor, action="allocation.difference_settled", target=found.allocation, before={"difference": before},
        reason=reason,
    )  # fmt: skip
    return found


def locked(transfer_id: UUID | str) -> Transfer:
    """The transfer with its allocation, which is locked first: it is what a refund and a batch lock."""
    allocation_id = Transfer.objects.values_list("allocation_id", flat=True).get(pk=transfer_id)
    allocation = Allocation.objects.select_for_update(no_key=True).get(pk=allocation_id)
    transfer = Transfer.objects.select_for_update(no_key=True).get(pk=transfer_id)
    transfer.allocation = allocation
    return transfer


@transaction.atomic
def apply_report(transfer: Transfer, told: Reported) -> str:
    """What the custodian says of a locked transfer. States only move forward.

    Returns "" or why nothing moved: another amount, asset or destination than ours, or nothing new.
    """
    differs = _difference(transfer, told)
    if differs:
        note(transfer, differs)
        return differs
    if transfer.provider_id is None:
        transfer.provider_id = told.provider_id
    to = Status(told.stage.value)
    if not transfer.advance(to=to):
        return _stay(transfer, told, to)
    now = timezone.now()
    transfer.provider_state, transfer.difference = told.state, ""
    transfer.next_at = now + ASK_AGAIN[0]
    if to != Status.SENT:
        transfer.finished_at, transfer.failure, transfer.tx_hash = now, told.failure, told.tx_hash
    keep(transfer)
    if to == Status.COMPLETED:
        _complete(transfer)
    elif to == Status.FAILED:
        _fail(transfer, told.failure)
    return ""


def _stay(transfer: Transfer, told: Reported, to: str) -> str:
    """It is as far as that already, or further."""
    if transfer.status == Status.SENT:
        transfer.provider_state = told.state
        ask_later(transfer)
        keep(transfer)
        return ""
    if to == Status.COMPLETED and transfer.status == Status.FAILED:
        note(transfer, "Arrived after all, after it was said to have failed")
        return "it had failed before"
    return "known already"


def _complete(transfer: Transfer) -> None:
    allocation = transfer.allocation
    allocation.advance(to=Allocation.Status.COMPLETED)
    allocation.tx_hash, allocation.completed_at = transfer.tx_hash, transfer.finished_at
    allocation.save(update_fields=["status", "tx_hash", "completed_at"])
    audit.record(
        actor=audit.SYSTEM, action="allocation.completed", target=allocation,
        after={"tokens": transfer.tokens, "tx_hash": transfer.tx_hash},
    )  # fmt: skip


def _fail(transfer: Transfer, failure: str) -> None:
    allocation = transfer.allocation
    allocation.advance(to=Allocation.Status.FAILED)
    allocation.reason = failure
    allocation.save(update_fields=["status", "reason"])
    audit.record(actor=audit.SYSTEM, action="allocation.failed", target=allocation, reason=failure)
    follow_line(allocation)  # what was refunded meanwhile isn't owed any more


@transaction.atomic
def _refused(transfer_id: UUID | str, why: str) -> None:
    """The custodian took it not at all, so it can't arrive."""
    transfer = locked(transfer_id)
    if transfer.status != Status.WAITING:
        return  # an event was faster
    transfer.advance(to=Status.FAILED)
    transfer.finished_at, transfer.failure = timezone.now(), why[:200]
    keep(transfer)
    _fail(transfer, transfer.failure)


@transaction.atomic
def _missing(transfer_id: UUID | str) -> None:
    transfer = locked(transfer_id)
    if transfer.status not in Transfer.OPEN:
        return
    transfer.next_at = timezone.now() + ASK_AGAIN[1]
    if transfer.status == Status.SENT:
        note(transfer, "The custodian has no transfer of this id any more")
    else:
        keep(transfer)


def _difference(transfer: Transfer, told: Reported) -> str:
    if transfer.provider_id not in (None, told.provider_id):
        return "Another transfer of the custodian's has the same id of ours"
    if told.asset is not None and told.asset != transfer.asset:
        return f"Another asset than was to be sent: {told.asset[:64]}"
    if told.tokens is not None and told.tokens != transfer.tokens:
        return f"Another amount than was to be sent: {told.tokens}"[:200]
    if told.address is not None and not same_address(told.address, address_of(transfer)):
        return "Another destination than was to be sent to"
    return ""


def address_of(transfer: Transfer) -> str:
    return crypto.opened(transfer, "destination")
