"""PDF: A4 landscape, its own small table layout. Platypus would build an object for each cell, which takes ten times as long."""

import math
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from apps.core.exports.cells import text_of
from apps.core.exports.sheet import Sheet

FONT = "DejaVuSansCondensed"  # has ₹, Greek and Cyrillic; free (fonts/LICENSE)
WIDTH, HEIGHT = landscape(A4)
MARGIN, HEAD, FOOT = 28.0, 46.0, 24.0
# Points of type, and ems from which words, as ids are, may be broken. The first that fits is taken.
FITS = tuple(
    (size, ems) for ems, sizes in ((9.0, (8.0, 7.0, 6.0, 5.5, 5.0, 4.5)), (6.0, (5.0, 4.5, 4.0))) for size in sizes
)
MOST = 190.0  # points of a column, unless there is room
PADDING = 4.0
SLACK = 0.2  # what rounding may take of a width
INK, MUTED, LINE, SHADE = HexColor("#1c1e26"), HexColor("#5b6072"), HexColor("#d9dce6"), HexColor("#eef0f6")
MOST_LINES = 12  # of a cell: what is longer ends in …

Cells = list[list[str]]


def chunks(sheet: Sheet) -> Iterator[bytes]:
    """The pages need their number, so the rows are kept: no more than MOST_PDF_ROWS, which the caller has counted."""
    rows: list[Sequence[str]] = []
    for page in sheet.pages():
        rows += [[_clean(text_of(value)) for value in row] for row in page]
        yield b""
    yield _Document(sheet, rows).draw()


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


@cache
def register_font() -> Any:
    """Before anything is set in FONT."""
    font = TTFont(FONT, str(Path(__file__).parent / "fonts" / f"{FONT}.ttf"))
    pdfmetrics.registerFont(font)
    return font


@lru_cache(maxsize=20_000)
def _units(text: str) -> float:
    """Width at size 1. Dates, states and currencies come again and again."""
    return float(register_font().stringWidth(text, 1))


class _Document:
    def __init__(self, sheet: Sheet, rows: Sequence[Sequence[str]]) -> None:
        self.sheet, self.rows = sheet, rows
        register_font()
        self.widths, self.size = self._fit()
        self.leading = self.size * 1.3

    def _fit(self) -> tuple[list[float], float]:
        """The largest type at which no short word is broken, and widths that share out what room is left by what cells need."""
        room = WIDTH - 2 * MARGIN
        columns = range(len(self.sheet.columns))
        words = [max(_units(word) for text in self._sample(number) for word in text.split(" ")) for number in columns]
        whole = [max(_units(text) for text in self._sample(number)) for number in columns]
        size, broken = next((fit for fit in FITS if self._least(words, *fit) <= room), FITS[-1])
        least = [min(word, broken) * size + PADDING for word in words]
        more = [max(min(text * size, MOST) + PADDING - width, 0.0) for text, width in zip(whole, least, strict=True)]
        share = max(room - sum(least), 0.0) / (sum(more) or 1.0)
        widths = [width + extra * min(share, 1.0) for width, extra in zip(least, more, strict=True)]
        factor = room / sum(widths)
        return [width * factor for width in widths], size

    def _least(self, words: list[float], size: float, broken: float) -> float:
        return sum(min(word, broken) * size + PADDING for word in words)

    def _sample(self, number: int) -> Iterator[str]:
        """The heading and a hundred rows spread over all: enough to know a column by."""
        yield self.sheet.columns[number]
        for row in self.rows[:: max(1, len(self.rows) // 100)]:
            yield row[number]

    def _width(self, text: str, size: float) -> float:
        return _units(text) * size

    def draw(self) -> bytes:
        heading = self._wrapped([name.replace("_", " ") for name in self.sheet.columns])
        pages = list(self._paged(heading))
        out = BytesIO()
        canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1)
        canvas.setTitle(f"{self.sheet.title}, {self.sheet.site}")
        canvas.setAuthor("Upline")
        for number, rows in enumerate(pages, start=1):
            self._page(canvas, heading, rows, number, len(pages))
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    def _paged(self, heading: Cells) -> Iterator[list[Cells]]:
        room = HEIGHT - 2 * MARGIN - HEAD - FOOT - self._height(heading)
        page: list[Cells] = []
        left = room
        for row in self.rows:
            cells = self._wrapped(row)
            height = self._height(cells)
            if page and height > left:
                yield page
                page, left = [], room
            page.append(cells)
            left -= height
        yield page

    def _wrapped(self, row: Sequence[str]) -> Cells:
        return [self._lines(text, width - PADDING + SLACK) for text, width in zip(row, self.widths, strict=True)]

    def _lines(self, text: str, width: float) -> list[str]:
        """Broken at spaces, and inside a word that is wider than its column."""
        if self._width(text, self.size) <= width:
            return [text]
        lines, line = [], ""
        for word in text.split(" "):
            candidate = f"{line} {word}" if line else word
            if self._width(candidate, self.size) <= width:
                line = candidate
                continue
            if line:
                lines.append(line)
            *whole, line = self._pieces(word, width)
            lines += whole
        lines.append(line)
        return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "…"]

    def _pieces(self, word: str, width: float) -> list[str]:
        total = self._width(word, self.size)
        if total <= width:
            return [word]
        length = max(1, math.floor(len(word) * width / total) - 1)
        return [word[start : start + length] for start in range(0, len(word), length)]

    def _height(self, cells: Cells) -> float:
        return max(len(lines) for lines in cells) * self.leading + 4

    def _page(self, canvas: Any, heading: Cells, rows: list[Cells], number: int, of: int) -> None:
        top = HEIGHT - MARGIN
        self._text(canvas, MARGIN, top - 12, f"{self.sheet.title} · {self.sheet.site}", 12, INK)
        said = ", ".join(f"{name}: {value}" for name, value in self.sheet.filters.items()) or "no filters"
        below = self._lines_at(f"{said}. {self.sheet.who}", 8, WIDTH - 2 * MARGIN)[:2]
        for index, line in enumerate(below):
            self._text(canvas, MARGIN, top - 26 - index * 10, line, 8, MUTED)
        self._text(canvas, WIDTH - MARGIN, MARGIN - 8, f"Page {number} of {of}", 8, MUTED, right=True)
        y = top - HEAD
        canvas.setFillColor(SHADE)
        canvas.rect(MARGIN, y - self._height(heading), WIDTH - 2 * MARGIN, self._height(heading), stroke=0, fill=1)
        y = self._row(canvas, heading, y)
        for cells in rows:
            y = self._row(canvas, cells, y)
        if not rows:
            self._text(canvas, MARGIN, y - 14, "No rows.", 8, MUTED)

    def _lines_at(self, text: str, size: float, width: float) -> list[str]:
        mine, self.size = self.size, size
        try:
            return self._lines(_clean(text), width)
        finally:
            self.size = mine

    def _row(self, canvas: Any, cells: Cells, y: float) -> float:
        x = MARGIN
        canvas.setFillColor(INK)
        canvas.setFont(FONT, self.size)
        for lines, width in zip(cells, self.widths, strict=True):
            for index, line in enumerate(lines):
                if line:
                    canvas.drawString(x + 2, y - 2 - self.size - index * self.leading, line)
            x += width
        y -= self._height(cells)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.4)
        canvas.line(MARGIN, y, WIDTH - MARGIN, y)
        return y

    def _text(
        self, canvas: Any, x: float, y: float, text: str, size: float, colour: Any, *, right: bool = False
    ) -> None:
        canvas.setFillColor(colour)
        canvas.setFont(FONT, size)
        (canvas.drawRightString if right else canvas.drawString)(x, y, text)
