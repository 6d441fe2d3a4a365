"""An invoice as a PDF: A4, portrait, as many pages as its lines need."""

from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from django.http import HttpResponse
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from apps.core.exports.pdf_file import FONT, INK, LINE, MUTED, register_font
from apps.core.money import format_money
from apps.orders.models import Invoice
from apps.sites.selectors import current_site, site_day

TOTAL = "Total paid"
MARGIN = 56.0
PADDING = 6.0  # of reportlab's frames, which a table would stand outside of
NUMBERS = (56.0, 84.0, 92.0)  # points of quantity, unit and amount; what something is called takes the rest


def invoice_file(invoice: Invoice) -> HttpResponse:
    """The answer that is the PDF; never shown within a page of ours."""
    response = HttpResponse(invoice_pdf(invoice), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{current_site().code}-{invoice}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def invoice_pdf(invoice: Invoice) -> bytes:
    """Reads the order's lines and refunds. Days are the site's."""
    order, site = invoice.order, current_site()
    plain, small = _style(9.5), _style(8.5, MUTED)
    story: list[Any] = [
        _paragraph(invoice.seller, _style(15)),
        _paragraph(invoice.seller_details, small),
        Spacer(0, 24),
        _paragraph(f"Invoice {invoice}", _style(15)),
        _paragraph(f"Issued {_day(invoice.issued_at)} · paid {_day(order.paid_at)}", small),
        _paragraph(f"Order {order.pk} · {site.code}", small),
        Spacer(0, 12),
        _paragraph("\n".join(filter(None, ["For", invoice.buyer_name, invoice.buyer_email])), plain),
        Spacer(0, 18),
        _drawn(table_of(invoice), order.lines.count(), plain),
    ]
    out = BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, title=f"Invoice {invoice}, {invoice.seller}", author=invoice.seller,
        leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
    )  # fmt: skip
    document.build(story)
    return out.getvalue()


def table_of(invoice: Invoice) -> list[tuple[str, str, str, str]]:
    """(what, quantity, each, amount) of every line, the total, and what has gone back since."""
    order = invoice.order

    def money(amount: int) -> str:
        return format_money(amount, order.currency)

    rows = [
        (
            line.name or line.sku or line.category, str(line.quantity),
            "" if line.amount % line.quantity else money(line.amount // line.quantity), money(line.amount),
        )
        for line in order.lines.order_by("id")
    ]  # fmt: skip
    rows.append((TOTAL, "", "", money(order.amount)))
    for refund in order.refunds.order_by("id"):
        rows.append((f"Went back on {_day(refund.created_at)}", "", "", money(-refund.amount)))
    if order.refunded_amount:
        rows.append(("Stays paid", "", "", money(order.rest)))
    return rows


def _drawn(rows: list[tuple[str, str, str, str]], lines: int, plain: ParagraphStyle) -> Table:
    """The total stands below so many lines, whatever they are called."""
    total = 1 + lines
    cells: list[list[Any]] = [
        ["", "Quantity", "Each", "Amount"],
        *([_paragraph(what, plain), *rest] for what, *rest in rows),
    ]
    table = Table(cells, colWidths=(A4[0] - 2 * (MARGIN + PADDING) - sum(NUMBERS), *NUMBERS), repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), FONT, 9.5),
                ("TEXTCOLOR", (0, 0), (-1, -1), INK),
                ("TEXTCOLOR", (0, 0), (-1, 0), MUTED),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("LINEBELOW", (0, 0), (-1, total - 1), 0.4, LINE),
                ("LINEABOVE", (0, total), (-1, total), 1, INK),
            ]
        )
    )
    return table


def _day(moment: datetime | None) -> str:
    return f"{site_day(moment):%d %B %Y}"


def _style(size: float, colour: Any = INK) -> ParagraphStyle:
    register_font()
    return ParagraphStyle(f"type-{size}", fontName=FONT, fontSize=size, leading=size * 1.35, textColor=colour)


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    """Names come from people: nothing in them is markup."""
    return Paragraph(escape(text.replace("\x00", "")).replace("\n", "<br/>"), style)
