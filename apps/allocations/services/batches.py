"""Sending chosen allocations: all of them or none, written down before anything is called (P12)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from uuid import UUID

from django.db import transaction

from apps.accounts.models import CryptoAddress
from apps.accounts.services import newest_addresses, read_address, resting
from apps.allocations import errors
from apps.allocations.models import Allocation, AllocationBatch, Transfer
from apps.audit import services as audit
from apps.core import crypto, waking
from apps.core.errors import Invalid, NotFound
from apps.core.tenancy import require_site_id
from apps.custody.models import CustodyAccount
from apps.custody.services import custody
from apps.referrals.models import Partner
from apps.sites.selectors import site_settings

MOST, OWN = 100, "own_allocation"

Status = Allocation.Status


@dataclass(frozen=True)
class Ready:
    """One allocation with where it goes and how much of it the asset can express."""

    allocation: Allocation
    address: CryptoAddress
    tokens: Decimal


@transaction.atomic
def send_batch(*, allocation_ids: Sequence[UUID], actor: audit.Actor) -> AllocationBatch:
    """PENDING → PROCESSING for each, with a Transfer that the background sends after the commit.

    Raises Invalid (none, more than 100, one twice), NotFound (an id that isn't this site's), Denied (own_allocation), Conflict
    (custody_unavailable; invalid_state with `refused` [{id, code}]). Then nothing has changed.
    """
    if not 1 <= len(allocation_ids) <= MOST or len(set(allocation_ids)) != len(allocation_ids):
        raise Invalid("invalid", f"From 1 to {MOST} allocations, each once.", field="allocation_ids")
    account = custody()
    ready, refused = choose(lock(allocation_ids), account, sender_id=actor.actor_id)
    if any(code == OWN for _, code in refused):
        raise errors.own_allocation()
    if refused:
        raise errors.not_ready(refused)
    batch = AllocationBatch.objects.create(
        created_by_id=actor.actor_id if actor.actor_kind == "user" else None,
        asset=account.asset_id, count=len(ready), tokens=sum_of(ready),
    )  # fmt: skip
    _write_down(batch, ready, account)
    audit.record(
        actor=actor, action="allocations.sent", target=batch,
        after={"count": batch.count, "tokens": batch.tokens, "asset": batch.asset},
    )  # fmt: skip
    waking.after_commit("apps.allocations.tasks.push_transfers_of_site", str(require_site_id()))
    return batch


def lock(allocation_ids: Sequence[UUID]) -> list[Allocation]:
    """In the order of their ids. Raises NotFound if one isn't there."""
    rows = Allocation.objects.filter(pk__in=allocation_ids).order_by("pk").select_for_update(no_key=True, of=("self",))
    found = list(rows.select_related("order__customer"))
    if len(found) != len(allocation_ids):
        raise NotFound()
    return found


def choose(
    rows: Iterable[Allocation], account: CustodyAccount, *, sender_id: UUID | None
) -> tuple[list[Ready], list[tuple[str, str]]]:
    """What of `rows` this person can send, and (id, code) of what not. Also what the back office shows before sending."""
    rows = list(rows)
    with localcontext() as exact:
        exact.prec = 60  # the columns hold 38 digits, the usual context 28
        return _choose(rows, account, sender_id)


def _choose(
    rows: list[Allocation], account: CustodyAccount, sender_id: UUID | None
) -> tuple[list[Ready], list[tuple[str, str]]]:
    buyers = {row.buyer_id for row in rows if row.buyer_id}
    addresses, frozen = newest_addresses(buyers, account.network), _frozen(buyers)
    rest = resting(addresses.values(), hours=site_settings().method_cooldown_hours)
    ready: list[Ready] = []
    refused: list[tuple[str, str]] = []
    for row in rows:
        tokens = row.tokens.quantize(Decimal(1).scaleb(-account.decimals), rounding=ROUND_DOWN)
        address = addresses.get(row.buyer_id) if row.buyer_id else None
        if row.status != Status.PENDING:
            refused.append((str(row.pk), "invalid_state"))
        elif row.order.disputed_at is not None:
            refused.append((str(row.pk), "order_disputed"))
        elif row.buyer_id is None:
            refused.append((str(row.pk), "account_missing"))
        elif row.buyer_id in frozen:
            refused.append((str(row.pk), "partner_frozen"))
        elif address is None:
            refused.append((str(row.pk), "address_missing"))
        elif address.pk in rest:
            refused.append((str(row.pk), "address_rests"))
        elif not tokens:
            refused.append((str(row.pk), "nothing_to_send"))
        elif row.buyer_id == sender_id:
            refused.append((str(row.pk), OWN))
        else:
            ready.append(Ready(row, address, tokens))
    return ready, refused


def sum_of(ready: Iterable[Ready]) -> Decimal:
    with localcontext() as exact:
        exact.prec = 60
        return sum((row.tokens for row in ready), Decimal(0))


def _frozen(user_ids: Iterable[UUID]) -> set[UUID]:
    """Nothing is sent to a frozen partner until staff have looked (X11)."""
    rows = Partner.objects.filter(user_id__in=user_ids, status=Partner.Status.FROZEN)
    return set(rows.values_list("user_id", flat=True))


def _write_down(batch: AllocationBatch, ready: Sequence[Ready], account: CustodyAccount) -> None:
    transfers = []
    for row in ready:
        row.allocation.advance(to=Status.PROCESSING)
        row.allocation.asset, row.allocation.reason = account.asset_id, ""
        transfer = Transfer(
            batch=batch, allocation=row.allocation, asset=account.asset_id, tokens=row.tokens,
            destination_label=row.address.label,
        )  # fmt: skip
        transfer.destination = crypto.sealed(transfer, "destination", read_address(row.address))
        transfers.append(transfer)
    Allocation.objects.bulk_update([row.allocation for row in ready], ["status", "asset", "reason"])
    Transfer.objects.bulk_create(transfers)


@transaction.atomic
def retry_allocation(*, allocation: Allocation, actor: audit.Actor) -> Allocation:
    """FAILED → PENDING: it may be in a batch again, under an id of its own. Raises Conflict (invalid_state, also where the
    custodian says that it arrived after all)."""
    found = Allocation.objects.select_for_update(no_key=True).get(pk=allocation.pk)
    if found.transfers.exclude(difference="").exists():
        raise errors.differs()
    found.advance(to=Status.PENDING)
    found.reason = ""
    found.save(update_fields=["status", "reason"])
    audit.record(actor=actor, action="allocation.retried", target=found)
    return found
