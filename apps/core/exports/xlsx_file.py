"""XLSX with XlsxWriter, which keeps one row in memory. Money is a number with the decimals of its currency."""

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from django.conf import settings

from apps.core.exports.cells import Value, defused, text_of
from apps.core.exports.sheet import Sheet
from apps.core.money import EXPONENTS

MOST_ROWS = 1_048_575  # of a sheet, without its header
MOST_TEXT = 32_767  # characters of a cell
CHUNK = 64 * 1024
EXACT = 10**15  # beyond it a spreadsheet's numbers lose digits


def chunks(sheet: Sheet) -> Iterator[bytes]:
    """Nothing can be sent before the last row is known, but the empty chunks send the headers and end each transaction."""
    directory = _directory()
    with tempfile.TemporaryFile(dir=directory) as file:
        options = {
            "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
            "tmpdir": directory,
        }  # fmt: skip
        book = xlsxwriter.Workbook(file, options)
        page = _Page(book, sheet.columns)
        for rows in sheet.pages():
            for row in rows:
                if page.written == MOST_ROWS:
                    page = _Page(book, sheet.columns)
                page.write(row)
            yield b""
        book.close()
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _directory() -> str | None:
    chosen: str = settings.UPLINE_TEMP_DIR
    if not chosen:
        return None
    Path(chosen).mkdir(parents=True, exist_ok=True)
    return chosen


class _Page:
    """One sheet of the workbook, with its header."""

    def __init__(self, book: Any, columns: Any) -> None:
        self.sheet = book.add_worksheet()
        self.written = 0
        bold = book.add_format({"bold": True})
        self.money = {
            places: book.add_format({"num_format": _pattern(places)}) for places in {2, 0, *EXPONENTS.values()}
        }
        self.sheet.freeze_panes(1, 0)
        for number, name in enumerate(columns):
            self.sheet.set_column(number, number, max(12, min(len(name) + 2, 40)))
            self.sheet.write_string(0, number, name, bold)

    def write(self, row: Any) -> None:
        self.written += 1
        for number, value in enumerate(row):
            self._cell(self.written, number, value)

    def _cell(self, row: int, column: int, value: Value) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self.sheet.write_boolean(row, column, value)
        elif isinstance(value, Decimal) and -EXACT < value < EXACT:
            self.sheet.write_number(row, column, float(value), self.money.get(-int(value.as_tuple().exponent)))
        elif isinstance(value, int) and -EXACT < value < EXACT:
            self.sheet.write_number(row, column, value)
        else:
            self.sheet.write_string(row, column, defused(text_of(value))[:MOST_TEXT])


def _pattern(places: int) -> str:
    return "#,##0" + ("." + "0" * places if places else "")
