"""Our payouts against each gateway's own record of them. What was unknown is asked about first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.utils import timezone

from apps.audit import services as audit
from apps.core.ids import read_uuid
from apps.core.sweeping import one_by_one
from apps.core.tenancy import site_context
from apps.payouts.gateways import Gateway, Reported, Stage, Unknown, Way, find_class, known
from apps.payouts.models import PayoutTransfer, Reconciliation
from apps.payouts.services.sending import push_transfer

PERIOD = timedelta(days=35)
OVERLAP = timedelta(days=1)
"""A gateway's clock is not ours: its record is read from so much earlier."""
JUST_NOW = timedelta(minutes=2)
"""What began so lately may not be in the gateway's record yet."""
MOST_KEPT = 1000
Status = PayoutTransfer.Status


@dataclass(frozen=True)
class Difference:
    """`kind`: missing_there, missing_here, twice, amount, state, unreachable. Amounts in minor units, None for none."""

    gateway: str
    kind: str
    key: str
    provider_id: str
    ours: str
    theirs: str
    our_amount: int | None = None
    their_amount: int | None = None


@dataclass(frozen=True)
class Ours:
    """One transfer as it stands here. `is_recent`: it began so lately that the gateway's record may not have it."""

    key: str
    status: str
    amount: int
    provider_id: str | None
    is_recent: bool


def reconcile(*, site_id: UUID | str, since: datetime | None = None) -> list[Difference]:
    """Every difference of what was begun since (default: 35 days). Called outside of a transaction."""
    since = since or timezone.now() - PERIOD
    _resolve_unknown(site_id, since)
    with site_context(site_id):
        accounts = list(
            PayoutTransfer.objects.filter(created_at__gte=since).order_by().values_list("gateway", "account").distinct()
        )
    found: list[Difference] = []
    for name, account in sorted(accounts):
        if name not in known():
            found.append(Difference(name, "unreachable", "", "", "", "No gateway of this name is set up any more"))
        elif find_class(name).way == Way.OUTSIDE:
            found += _compare(site_id, name, account, since)
    return found


def keep_comparison(*, since: datetime, differences: Sequence[Difference], actor: audit.Actor) -> Reconciliation:
    """Write down what a comparison found. Inside the site's context."""
    row = Reconciliation.objects.create(
        since=since, ran_by_id=actor.actor_id if actor.actor_kind == "user" else None, count=len(differences),
        compared=PayoutTransfer.objects.filter(created_at__gte=since).count(),
        differences=[asdict(one) for one in differences[:MOST_KEPT]],
    )  # fmt: skip
    audit.record(
        actor=actor, action="payouts.reconciled", target=row, after={"compared": row.compared, "differences": row.count}
    )
    return row


def reconcile_and_keep(*, site_id: UUID | str) -> int:
    """As the daily task does. How many differences there are."""
    since = timezone.now() - PERIOD
    differences = reconcile(site_id=site_id, since=since)
    with site_context(site_id):
        if PayoutTransfer.objects.filter(created_at__gte=since).exists():
            keep_comparison(since=since, differences=differences, actor=audit.SYSTEM)
    return len(differences)


def _resolve_unknown(site_id: UUID | str, since: datetime) -> None:
    """Ask now about whatever was tried and is open. A gateway that answers nothing is left in peace."""
    with site_context(site_id):
        still_open = PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN, created_at__gte=since, tries__gt=0)
        ids = list(still_open.values_list("pk", flat=True))
        still_open.update(next_at=timezone.now())
    push = partial(push_transfer, site_id=site_id)
    one_by_one(ids, lambda pk: push(transfer_id=pk), unanswered=Unknown, what="payout")


def _compare(site_id: UUID | str, name: str, account: str, since: datetime) -> list[Difference]:
    with site_context(site_id):
        try:
            gateway: Gateway = find_class(name).open(account)
        except Unknown as error:
            return [Difference(name, "unreachable", "", "", "", str(error))]
    try:
        theirs = _by_key(list(gateway.records(since - OVERLAP)))
    except Unknown as error:
        return [Difference(name, "unreachable", "", "", "", str(error))]
    with site_context(site_id):
        ours = _ours(name, account, since - OVERLAP)
        begun_before = _known([key for key in theirs if key not in ours])
    found = [one for key, mine in ours.items() for one in _differences(name, mine, theirs.get(key, ()))]
    found += [
        Difference(name, "missing_here", key, row.provider_id, "", row.state, None, row.amount)
        for key, rows in theirs.items()
        for row in rows
        if key not in ours and key not in begun_before
    ]
    return found


def _by_key(records: Sequence[Reported]) -> dict[str, list[Reported]]:
    found: dict[str, list[Reported]] = defaultdict(list)
    for row in records:
        found[row.key].append(row)
    return found


def _ours(name: str, account: str, since: datetime) -> dict[str, Ours]:
    """{key: Ours} of this account."""
    just_now = timezone.now() - JUST_NOW
    rows = PayoutTransfer.objects.filter(gateway=name, account=account, created_at__gte=since)
    columns = rows.values_list("payout_id", "status", "payout__amount", "provider_id", "created_at")
    return {str(pk): Ours(str(pk), status, amount, found, at > just_now) for pk, status, amount, found, at in columns}


def _known(keys: Sequence[str]) -> set[str]:
    """Of ids that are none of the period: those that are ours all the same."""
    ids = [pk for key in keys if (pk := read_uuid(key)) is not None]
    return {str(pk) for pk in PayoutTransfer.objects.filter(payout_id__in=ids).values_list("payout_id", flat=True)}


def _differences(name: str, mine: Ours, theirs: Sequence[Reported]) -> list[Difference]:
    if not theirs:
        has_gone = mine.status in (Status.SENT, Status.COMPLETED)
        if not has_gone and not (mine.status == Status.WAITING and not mine.is_recent):
            return []  # refused, or just begun
        return [Difference(name, "missing_there", mine.key, mine.provider_id or "", mine.status, "", mine.amount)]
    found, first = [], theirs[0]
    if len(theirs) > 1:
        ids = ", ".join(row.provider_id for row in theirs)[:200]
        found.append(Difference(name, "twice", mine.key, ids, mine.status, first.state, mine.amount, first.amount))
    for kind, differs in (
        ("amount", first.amount is not None and first.amount != mine.amount),
        ("state", not _agrees(mine.status, first.stage)),
    ):
        if differs:
            found.append(
                Difference(name, kind, mine.key, first.provider_id, mine.status, first.state, mine.amount, first.amount)
            )
    return found


def _agrees(ours: str, theirs: Stage) -> bool:
    """What came back after it had arrived is no longer where we say it is."""
    return {
        Stage.ON_ITS_WAY: ours in PayoutTransfer.OPEN, Stage.COMPLETED: ours == Status.COMPLETED,
        Stage.FAILED: ours == Status.FAILED, Stage.REVERSED: ours == Status.FAILED,
    }[theirs]  # fmt: skip
