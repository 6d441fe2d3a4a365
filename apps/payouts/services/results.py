"""What the bank says of payouts by hand: a file that names each by `ref`, our id: `ref,status,reference,reason`, and `status` is
`paid` or `failed`.

It is read as a whole: with one row that can't be, nothing of it is booked. The same file twice changes nothing. A short one is
booked at once; a long one is handed on by the outbox, a few hundred rows a step, so that a kill repeats one step as if it had
never begun.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.core.models import OutboxEvent
from apps.payouts import errors, gateways
from apps.payouts.models import Payout, PayoutBatch, PayoutResultFile
from apps.payouts.services import settling
from apps.payouts.services.decisions import person_of
from apps.payouts.services.proposing import locked_batch

TOPIC = "payout_results.step"
COLUMNS = ("ref", "status", "reference", "reason")
MOST_ROWS, MOST_TOLD, AT_ONCE = 20_000, 50, 500
Status = Payout.Status


@dataclass(frozen=True)
class Result:
    line: int
    payout_id: UUID
    is_paid: bool
    reference: str
    reason: str


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
    results, wrong = _parsed(text)
    is_short = len(results) <= AT_ONCE
    rows = _payouts(batch, results)
    if is_short:
        found = {row.pk: row for row in rows.select_for_update(no_key=True, of=("self",))}
    else:
        found = {row.pk: row for row in rows.only("user_id", "status", "reference", "site_id")}
    person = person_of(actor)
    for one in results:
        if why := _why_not(one, found.get(one.payout_id), person):
            wrong.append((one.line, why))
    if wrong:
        told = [{"row": line, "message": why} for line, why in sorted(wrong)[:MOST_TOLD]]
        message = f"{len(wrong)} row{'s' if len(wrong) > 1 else ''} of the file can't be booked, so none was."
        raise Invalid("result_file", message, field="file", rows=told)
    if not is_short:
        return Booked(file=_begin(batch, results, actor))
    paid, failed, known = _book(results, found, actor)
    audit.record(
        actor=actor, action="payout_batch.results", target=batch, after={"paid": paid, "failed": failed, "known": known}
    )
    return Booked(paid, failed, known)


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


def _payouts(batch: PayoutBatch, results: Iterable[Result]) -> Any:
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
    if row is None:
        return "No payout of this batch that is paid by hand."
    if row.user_id == person:
        return "Your own payout: somebody else has to book it."
    if row.status == Status.PROCESSING:
        return ""
    same = {Status.COMPLETED: one.is_paid and row.reference == one.reference, Status.FAILED: not one.is_paid}
    return "" if same.get(Status(row.status)) else f"{row.number} is known to be {row.get_status_display().lower()}."


def _parsed(text: str) -> tuple[list[Result], list[tuple[int, str]]]:
    """(rows, [(line, what is wrong)])."""
    if "\0" in text:
        return [], [(1, "This is no text.")]
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restkey="more", restval="")
    try:
        names = reader.fieldnames or ()
    except csv.Error as error:
        return [], [(1, f"This is no CSV: {error}.")]
    if tuple(name.strip().lower() for name in names) != COLUMNS:
        return [], [(1, f"The first line is {','.join(COLUMNS)}.")]
    reader.fieldnames = list(COLUMNS)
    results: list[Result] = []
    wrong: list[tuple[int, str]] = []
    seen: set[UUID] = set()
    for line, row in _lines(reader, wrong):
        problem = _problem(row, seen)
        if problem:
            wrong.append((line, problem))
        else:
            pk = UUID(row["ref"].strip())
            seen.add(pk)
            is_paid = row["status"].strip().lower() == "paid"
            results.append(Result(line, pk, is_paid, row["reference"].strip(), row["reason"].strip()))
    if not results and not wrong:
        wrong.append((1, "The file has no rows."))
    return results, wrong


def _lines(reader: Any, wrong: list[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        for number, row in enumerate(reader, start=2):
            if number > MOST_ROWS + 1:
                wrong.append((number, f"A file holds up to {MOST_ROWS} rows."))
                return
            yield number, row
    except csv.Error as error:
        wrong.append((reader.line_num, f"This is no CSV: {error}."))


def _problem(row: dict[str, Any], seen: set[UUID]) -> str:
    if "more" in row:
        return "Too many columns."
    try:
        pk = UUID(row["ref"].strip())
    except ValueError:
        return "The ref is the id of a payout, as in the file for the bank."
    status = row["status"].strip().lower()
    if pk in seen:
        return "The same ref twice."
    if status not in ("paid", "failed"):
        return "The status is paid or failed."
    reference, reason = row["reference"].strip(), row["reason"].strip()
    if (status == "paid" and not reference) or len(reference) > 120:
        return "A paid one has the bank's reference, up to 120 characters."
    if (status == "failed" and not reason) or len(reason) > 500:
        return "A failed one has a reason, up to 500 characters."
    return ""
