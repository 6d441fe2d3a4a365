"""Lists as files: CSV, XLSX and PDF (R24, W12, ADR 0014).

A `Sheet` says what the columns are and how the next rows are read; the three writers turn it into bytes. Rows are read in keyset
pages, each in a context of its own, so that a million of them need no more memory, and hold no longer a transaction, than a few.
"""

from apps.core.exports.cells import Value, defused, money_cell
from apps.core.exports.response import FORMATS, export, filename, read_format
from apps.core.exports.sheet import MOST_PDF_ROWS, Row, Sheet, keyset_page

__all__ = [
    "FORMATS", "MOST_PDF_ROWS", "Row", "Sheet", "Value", "defused", "export", "filename", "keyset_page", "money_cell",
    "read_format",
]  # fmt: skip
