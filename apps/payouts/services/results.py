"""What the bank says of payouts by hand, booked.

With one row that can't be, nothing of a file is booked. The same file twice changes nothing. A short one is booked at once; a
long one is handed on by the outbox, a few hundred rows a step, so that a kill repeats one step as if it had never begun.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.audit import services as audit
from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.core.models import OutboxEvent
from apps.payouts import errors, gateways
from apps.payouts.models import Payout, PayoutBatch, PayoutResultFile
from apps.payouts.services import settling
from apps.payouts.services.decisions import person_of
from apps.payouts.services.result_files import Result, read_results
from apps.payouts.services.running import locked_batch

TOPIC = "payout_results.step"
MOST_TOLD, AT_ONCE = 50, 500
JUDGED_BY = ("user_id", "status", "reference", "site_id")
"""What `_why_not` reads: a long file's payouts are not held in memory whole."""
Status = Payout.Status


@dataclass(frozen=True)
class Booked:
    """How many of a file were new, and how many were known. `file` where it is booked in the background."""

    paid: int = 0
    failed: int = 0
    known: int = 0
    file: PayoutResultFile | None = None


@transaction.atomic
def book_results(*, batch: PayoutBatch, text: str, actor: audit.Actor) -> Booked:
    """PROCESSING → COMPLETED or FAILED as the bank says. More than 500 rows: in the background.

    Raises Invalid `result_file` with `rows` [{row, message}], Conflict (state, results_running); then nothing is booked.
    """
    batch = locked_batch(batch.pk)
    if batch.status not in (PayoutBatch.Status.RUNNING, PayoutBatch.Status.SENT):
        raise Conflict("invalid_state", f"This batch is {batch.get_status_display().lower()}.")
    if batch.result_files.filter(status=PayoutResultFile.Status.RUNNING).exists():
        raise errors.results_running()
    results, wrong = read_results(text)
    is_short = len(results) <= AT_ONCE
    rows = _payouts(batch, results)
    rows = rows.select_for_update(no_key=True, of=("self",)) if is_short else rows.only(*JUDGED_BY)
    found = {row.pk: row for row in rows}
    person = person_of(actor)
    wrong += [(one.line, why) for one in results if (why := _why_not(one, found.get(one.payout_id), person))]
    if wrong:
        raise _refused(wrong)
    if not is_short:
        return Booked(file=_begin(batch, results, actor))
    paid, failed, known = _book(results, found, actor)
    audit.record(
        actor=actor, action="payout_batch.results", target=batch, after={"paid": paid, "failed": failed, "known": known}
    )
    return Booked(paid, failed, known)


def _refused(wrong: list[tuple[int, str]]) -> Invalid:
    told = [{"row": line, "message": why} for line, why in sorted(wrong)[:MOST_TOLD]]
    message = f"{len(wrong)} row{'s' if len(wrong) > 1 else ''} of the file can't be booked, so none was."
    return Invalid("result_file", message, field="file", rows=told)


def _begin(batch: PayoutBatch, results: Sequence[Result], actor: audit.Actor) -> PayoutResultFile:
    """Each step's rows go with its event, so the file itself is not kept."""
    file = PayoutResultFile.objects.create(batch=batch, rows=len(results), created_by_id=person_of(actor))
    steps = [
        (
            f"{file.pk}:{start}",
            {"file": str(file.pk), "rows": [_packed(one) for one in results[start : start + AT_ONCE]]},
        )
        for start in range(0, len(results), AT_ONCE)
    ]
    outbox.publish_many(TOPIC, steps)
    audit.record(actor=actor, action="payout_batch.results_taken", target=batch, after={"rows": file.rows})
    return file


def _packed(one: Result) -> dict[str, Any]:
    return {**asdict(one), "payout_id": str(one.payout_id)}


def run_steps(events: Sequence[OutboxEvent]) -> None:
    """Outbox consumer of `payout_results.step` {file, rows}."""
    for event in events:
        results = [Result(**{**row, "payout_id": UUID(row["payout_id"])}) for row in event.payload["rows"]]
        run_step(UUID(event.payload["file"]), results)


@transaction.atomic
def run_step(file_id: UUID, results: Sequence[Result]) -> None:
    """Book some rows of a long file. What was decided otherwise since it was read is refused and counted, and stops no other."""
    file = PayoutResultFile.objects.select_for_update(no_key=True, of=("self",)).select_related("batch").get(pk=file_id)
    actor: audit.Actor = file.created_by or audit.SYSTEM
    rows = _payouts(file.batch, results).select_for_update(no_key=True, of=("self",))
    found = {row.pk: row for row in rows}
    fitting = [one for one in results if not _why_not(one, found.get(one.payout_id), file.created_by_id)]
    paid, failed, known = _book(fitting, found, actor)
    file.paid, file.failed, file.known = file.paid + paid, file.failed + failed, file.known + known
    file.refused += len(results) - len(fitting)
    if file.booked == file.rows:
        file.advance(to=PayoutResultFile.Status.DONE)
        file.finished_at = timezone.now()
        told = {"paid": file.paid, "failed": file.failed, "known": file.known, "refused": file.refused}
        audit.record(actor=actor, action="payout_batch.results", target=file.batch, after=told)
    file.save(update_fields=["status", "paid", "failed", "known", "refused", "finished_at"])


def _payouts(batch: PayoutBatch, results: Iterable[Result]) -> QuerySet[Payout]:
    ids = [one.payout_id for one in results]
    return batch.payouts.filter(gateway=gateways.MANUAL, pk__in=ids).order_by("pk")


def _book(results: Iterable[Result], found: dict[UUID, Payout], actor: audit.Actor) -> tuple[int, int, int]:
    """(paid, failed, known before) of locked payouts."""
    paid: list[Payout] = []
    failed: list[Payout] = []
    known = 0
    for one in results:
        row = found[one.payout_id]
        if row.status != Status.PROCESSING:
            known += 1
            continue
        row.reference, row.reason = one.reference, one.reason
        (paid if one.is_paid else failed).append(row)
    if paid:
        settling.complete(paid, actor=actor)
    if failed:
        settling.fail(failed, actor=actor)
    return len(paid), len(failed), known


def _why_not(one: Result, row: Payout | None, person: UUID | None) -> str:
    """Why a row can't be booked by this person, or "". One that says what is known already can."""
    if row is None:
        return "No payout of this batch that is paid by hand."
    if row.user_id == person:
        return "Your own payout: somebody else has to book it."
    if row.status == Status.PROCESSING:
        return ""
    same = {Status.COMPLETED: one.is_paid and row.reference == one.reference, Status.FAILED: not one.is_paid}
    return "" if same.get(Status(row.status)) else f"{row.number} is known to be {row.get_status_display().lower()}."
