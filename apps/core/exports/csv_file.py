"""RFC 4180, UTF-8. Text is quoted, numbers are not."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO

from apps.core.exports.cells import Value, defused, text_of
from apps.core.exports.sheet import Sheet


def chunks(sheet: Sheet) -> Iterator[bytes]:
    buffer = StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(sheet.columns)
    for page in sheet.pages():
        for row in page:
            writer.writerow([_written(value) for value in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _written(value: Value) -> str | int | Decimal:
    """A number is written as it is, also a negative one: only text can be a formula."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    return defused(text_of(value))
