"""What is paid by hand, as files: one that the bank takes, and one that it gives back.

A result names each payout by `ref`, our id: `ref,status,reference,reason` with status `paid` or `failed`. It is read as a whole:
with one row that can't be, nothing of it is booked. The same file twice changes nothing.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core import exports
from apps.core.errors import Conflict, Invalid
from apps.core.tenancy import require_site_id, site_context
from apps.payouts import gateways
from apps.payouts.models import Payout, PayoutBatch
from apps.payouts.services import settling
from apps.payouts.services.decisions import person_of
from apps.payouts.services.methods import read_details
from apps.sites.selectors import current_site

COLUMNS = (
    "ref",
    "number",
    "amount",
    "currency",
    "name",
    "kind",
    "account_holder",
    "account_number",
    "bank_code",
    "vpa",
    "note",
)
RESULT = ("ref", "status", "reference", "reason")
MOST_ROWS, MOST_TOLD, AT_ONCE = 20_000, 50, 500
Status = Payout.Status


def by_hand(batch: PayoutBatch) -> Any:
    """The payouts of a batch that somebody has to pay."""
    return Payout.objects.filter(batch_items__batch=batch, gateway=gateways.MANUAL, status=Status.PROCESSING)


def bank_file(*, batch: PayoutBatch, actor: Any) -> Any:
    """The streamed CSV of them, audited as every file is, and as `payout_batch.bank_file`."""
    audit.record(actor=actor, action="payout_batch.bank_file", target=batch)
    sheet = exports.Sheet(
        name=f"bank-file-{batch}", title=f"To be paid of {batch}", site=current_site().code, columns=COLUMNS,
        read=partial(_read, batch), count=lambda limit: by_hand(batch)[:limit].count(),
        context=partial(site_context, require_site_id()), filters={"batch": str(batch)},
        who=f"{actor.actor_name}, {timezone.now():%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip
    return exports.export(sheet, "csv", actor=actor)


def _read(batch: PayoutBatch, after: Any, size: int) -> tuple[list[list[Any]], Any]:
    rows = by_hand(batch).select_related("user", "method")
    page, end = exports.keyset_page(rows, ordering="id", after=after, size=size)
    return [_line(row) for row in page], end


def _line(row: Payout) -> list[Any]:
    details = read_details(row.method) if row.method is not None else {}
    kind = row.method.kind if row.method is not None else "manual"
    known = [details.get(name, "") for name in ("account_holder", "account_number", "bank_code", "vpa", "note")]
    amount = exports.money_cell(row.amount, row.currency)
    return [str(row.pk), row.number, amount, row.currency, row.user.full_name, kind, *known]


@dataclass(frozen=True)
class Result:
    line: int
    payout_id: UUID
    is_paid: bool
    reference: str
    reason: str


@dataclass(frozen=True)
class Booked:
    """How many of a file were new, and how many were known."""

    paid: int
    failed: int
    known: int


@transaction.atomic
def book_results(*, batch: PayoutBatch, text: str, actor: audit.Actor) -> Booked:
    """PROCESSING → COMPLETED or FAILED as the bank says.

    Raises Invalid `result_file` with `rows` [{row, message}], Conflict (state); then nothing is booked.
    """
    if batch.status not in (PayoutBatch.Status.RUNNING, PayoutBatch.Status.SENT):
        raise Conflict("invalid_state", f"This batch is {batch.get_status_display().lower()}.")
    results, wrong = _parsed(text)
    rows = Payout.objects.filter(
        batch_items__batch=batch, gateway=gateways.MANUAL, pk__in=[one.payout_id for one in results]
    )
    found = {row.pk: row for row in rows.order_by("pk").select_for_update(no_key=True, of=("self",))}
    paid: list[Payout] = []
    failed: list[Payout] = []
    known, person = 0, person_of(actor)
    for one in results:
        row = found.get(one.payout_id)
        why = _why_not(one, row, person)
        if why or row is None:
            wrong.append((one.line, why))
        elif row.status != Status.PROCESSING:
            known += 1
        else:
            row.reference, row.reason = one.reference, one.reason
            (paid if one.is_paid else failed).append(row)
    if wrong:
        told = [{"row": line, "message": why} for line, why in sorted(wrong)[:MOST_TOLD]]
        message = f"{len(wrong)} row{'s' if len(wrong) > 1 else ''} of the file can't be booked, so none was."
        raise Invalid("result_file", message, field="file", rows=told)
    for start in range(0, len(paid), AT_ONCE):
        settling.complete(paid[start : start + AT_ONCE], actor=actor)
    for start in range(0, len(failed), AT_ONCE):
        settling.fail(failed[start : start + AT_ONCE], actor=actor)
    booked = Booked(len(paid), len(failed), known)
    audit.record(actor=actor, action="payout_batch.results", target=batch, after=vars(booked))
    return booked


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
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restkey="more", restval="")
    if not reader.fieldnames or tuple(name.strip().lower() for name in reader.fieldnames) != RESULT:
        return [], [(1, f"The first line is {','.join(RESULT)}.")]
    reader.fieldnames = list(RESULT)
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
    if status == "paid" and not 0 < len(row["reference"].strip()) <= 120:
        return "A paid one has the bank's reference, up to 120 characters."
    if status == "failed" and not 0 < len(row["reason"].strip()) <= 500:
        return "A failed one has a reason, up to 500 characters."
    return ""
