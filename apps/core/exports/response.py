"""The answer that is a file."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone

from apps.core import recording
from apps.core.errors import Conflict, Invalid
from apps.core.exports import csv_file, pdf_file, xlsx_file
from apps.core.exports.sheet import MOST_PDF_ROWS, Sheet

Chunks = Callable[[Sheet], Iterator[bytes]]

FORMATS: dict[str, tuple[str, Chunks]] = {
    "csv": ("text/csv; charset=utf-8", csv_file.chunks),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_file.chunks),
    "pdf": ("application/pdf", pdf_file.chunks),
}


def read_format(value: str) -> str:
    """Raises Invalid."""
    if value not in FORMATS:
        raise Invalid("invalid", f"format is one of {', '.join(FORMATS)}.", field="format")
    return value


def export(sheet: Sheet, file_format: str, *, actor: Any) -> StreamingHttpResponse:
    """A file of all rows of a sheet, sent while it is read. Audited as `export.made`. Raises Conflict (export_too_large).

    Called inside the site's context, which the rows are no longer read in.
    """
    after: dict[str, Any] = {"list": sheet.name, "filters": sheet.filters, "format": file_format}
    if file_format == "pdf":
        rows = sheet.count(MOST_PDF_ROWS + 1)
        if rows > MOST_PDF_ROWS:
            message = f"A PDF holds up to {MOST_PDF_ROWS:,} rows. Filter, or take CSV or XLSX."
            raise Conflict("export_too_large", message)
        after["rows"] = rows
    recording.record(actor=actor, action="export.made", after=after)
    content_type, chunks = FORMATS[file_format]
    rest = chunks(sheet)
    # The first rows are read now: what is wrong with the question is an answer of its own, not a file that breaks off.
    response = StreamingHttpResponse(_all(next(rest), rest), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename(sheet, file_format)}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx passes each chunk on
    return response


def _all(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def filename(sheet: Sheet, file_format: str) -> str:
    """`ALPHA-commissions-20260131-0930.csv`: letters, digits and dashes only, whatever the site is called."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", f"{sheet.site}-{sheet.name}").strip("-") or "export"
    return f"{plain}-{timezone.now():%Y%m%d-%H%M}.{file_format}"
