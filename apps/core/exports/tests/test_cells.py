"""No text becomes a formula (R24), and money stays a number."""

import csv
import io
import re
import zipfile
from contextlib import nullcontext
from decimal import Decimal

import pytest

from apps.core.exports import csv_file, defused, money_cell, pdf_file, xlsx_file
from apps.core.exports.cells import cell
from apps.core.exports.sheet import MOST_PDF_ROWS, Sheet

DANGEROUS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\ttext", "\rtext", "  =1", "\u00a0=1", "\u200b=1", "\ufeff=1",
    "\u202e=1", "\x01=1", "\u3000=1", "＝1+1", "＋1", "－1", "＠SUM", "﹣1", "﹢1", "﹦1", "﹫1", "−1", "–1", "—1", "‐1",
    "⁼1", "⁺1", "⁻1",
    "₌1", "➕1", "➖1", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://x\")", "@", "=", "-", "+", "\u0301=1", "\u00ad=1",
]  # fmt: skip
HARMLESS = [
    "",
    "Ann",
    "1-1",
    "a=b",
    "'=1",
    "x@example.com",
    "₹100",
    "#1",
    "!x",
    "%x",
    "01a2-b3",
    "2026-01-31T00:00:00Z",
    "अमित",
    "0.20",
]


def sheet(rows, columns=("name", "amount", "currency"), name="people"):
    """All rows in two pages."""
    half = len(rows) // 2

    def read(after, size):
        return (rows[:half], half) if after is None else (rows[half:], None)

    return Sheet(
        name=name, title="People", site="ALPHA", columns=columns, read=read, count=lambda limit: len(rows),
        context=nullcontext, filters={"status": "paid"}, who="ann@example.com, 2026-01-31 09:30 UTC",
    )  # fmt: skip


def written(chunks, made):
    return b"".join(chunks(made))


@pytest.mark.parametrize("text", DANGEROUS, ids=ascii)
def test_what_a_spreadsheet_could_take_for_a_formula_is_defused(text):
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_what_is_harmless_stays_as_it_is(text):
    assert defused(text) == text


def test_a_csv_has_no_live_cell_and_plain_numbers():
    rows = [[text, Decimal("-12.50"), "INR"] for text in DANGEROUS]

    content = written(csv_file.chunks, sheet(rows)).decode()

    found = list(csv.reader(io.StringIO(content, newline="")))
    assert found[0] == ["name", "amount", "currency"]
    assert [row[0] for row in found[1:]] == [f"'{text}" for text in DANGEROUS]
    assert {row[1] for row in found[1:]} == {"-12.50"}
    assert ",-12.50," in content


def test_quotes_commas_and_line_breaks_survive_a_csv():
    rows = [['a "b", c\r\nd;=1', None, True], ["e", 7, False]]

    found = list(csv.reader(io.StringIO(written(csv_file.chunks, sheet(rows)).decode(), newline="")))

    assert found[1:] == [['a "b", c\r\nd;=1', "", "true"], ["e", "7", "false"]]


def sheet_xml(content, number=1):
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return book.read(f"xl/worksheets/sheet{number}.xml").decode()


def test_an_xlsx_has_no_formula_and_money_as_numbers():
    rows = [[text, Decimal("-1234.50"), "INR"] for text in DANGEROUS if text.isprintable()]

    xml = sheet_xml(written(xlsx_file.chunks, sheet(rows)))

    assert "<f>" not in xml
    assert xml.count("<v>-1234.5</v>") == len(rows)
    texts = re.findall(r"<t(?: [^>]*)?>([^<]*)</t>", xml)
    assert [text for text in texts if text[:1] in "=+-@\t\r"] == []


def test_an_amount_too_large_for_a_spreadsheet_keeps_its_digits_as_text():
    xml = sheet_xml(written(xlsx_file.chunks, sheet([["a", Decimal("12345678901234567.89"), "INR"], ["b", None, ""]])))

    assert "12345678901234567.89" in xml


@pytest.mark.parametrize("chunks", [csv_file.chunks, xlsx_file.chunks, pdf_file.chunks])
def test_nothing_to_export_still_has_its_header(chunks):
    content = written(chunks, sheet([]))

    if chunks is csv_file.chunks:
        assert content == b'"name","amount","currency"\r\n'
    elif chunks is xlsx_file.chunks:
        assert "amount" in sheet_xml(content)
    else:
        assert content.startswith(b"%PDF-")


def test_a_pdf_of_the_most_rows_has_numbered_pages(monkeypatch):
    said = []
    draw = pdf_file._Document._text
    monkeypatch.setattr(pdf_file._Document, "_text", lambda self, canvas, x, y, text, *a, **k: (
        said.append(text), draw(self, canvas, x, y, text, *a, **k)))  # fmt: skip
    rows = [
        [f"Partner {number} " + "with a long name " * (number % 7), Decimal("12.50"), "INR"] for number in range(500)
    ]

    content = written(pdf_file.chunks, sheet(rows))

    pages = content.count(b"/Type /Page\n") or len(re.findall(rb"/Type\s*/Page\b", content))
    assert f"Page {pages} of {pages}" in said
    assert said.count("People · ALPHA") == pages > 5
    assert "status: paid. ann@example.com, 2026-01-31 09:30 UTC" in said
    assert MOST_PDF_ROWS == 10_000


def test_the_fonts_of_a_pdf_show_rupees_and_names():
    face = pdf_file.register_font().face.charToGlyph

    assert {ord(character) for character in "₹$€£¥−…áßłžЖΩ"} <= face.keys()


def test_a_word_wider_than_its_column_is_broken_and_loses_nothing():
    document = pdf_file._Document(sheet([]), [["x" * 150, "1", "INR"]])

    assert "".join(document._lines("x" * 150, 80.0)) == "x" * 150
    assert all(document._width(line, document.size) <= 80 for line in document._lines("x" * 150, 80.0))


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(123450, "INR", "1234.50"), (-5, "USD", "-0.05"), (7, "JPY", "7"), (1234, "KWD", "1.234"), (0, "INR", "0.00")],
)
def test_money_is_in_the_currencys_own_units(amount, currency, shown):
    assert f"{money_cell(amount, currency):f}" == shown
    assert money_cell(None, currency) is None


def test_structures_and_moments_become_text():
    from datetime import UTC, datetime

    assert cell(datetime(2026, 1, 31, 9, 30, tzinfo=UTC)) == "2026-01-31T09:30:00Z"
    assert cell(["a", "b"]) == "a, b"
    assert cell([{"a": 1}]) == '[{"a": 1}]'
