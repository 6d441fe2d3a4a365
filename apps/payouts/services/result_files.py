"""A file of the bank's, read as a whole: each row names a payout by `ref`, our id, and says that it is `paid` or `failed`."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.ids import read_uuid

COLUMNS = ("ref", "status", "reference", "reason")
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Result:
    line: int
    payout_id: UUID
    is_paid: bool
    reference: str
    reason: str


def read_results(text: str) -> tuple[list[Result], list[tuple[int, str]]]:
    """(rows, [(line, what is wrong)])."""
    if "\0" in text:
        return [], [(1, "This is no text.")]
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restkey="more", restval="")
    try:
        names = reader.fieldnames or ()
    except csv.Error as error:
        return [], [(1, f"This is no CSV: {error}.")]
    if tuple(name.strip().lower() for name in names) != COLUMNS:
        return [], [(1, f"The first line has to be {','.join(COLUMNS)}, with commas.")]
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
    pk = read_uuid(row["ref"].strip())
    if pk is None:
        return "The ref has to be the one of the file for the bank."
    status = row["status"].strip().lower()
    if pk in seen:
        return "The same ref twice."
    if status not in ("paid", "failed"):
        return "The status has to be paid or failed."
    reference, reason = row["reference"].strip(), row["reason"].strip()
    if (status == "paid" and not reference) or len(reference) > 120:
        return "A paid one has the bank's reference, up to 120 characters."
    if (status == "failed" and not reason) or len(reason) > 500:
        return "A failed one has a reason, up to 500 characters."
    return ""
