"""A batch as its page shows it: who would be paid what by what, and how far each is."""

from typing import Any

from django.db.models import Case, Value, When

from apps.core.backoffice import badge, named
from apps.core.money import format_money
from apps.core.tenancy import reading_across
from apps.payouts import gateways, selectors
from apps.payouts.admin.shown import TONE, WHY, label_of
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem

SHOWN = 200
"""People of each kind; the others are in the list of people in batches."""
Item = PayoutBatchItem.Status


def preview(batch: PayoutBatch, totals: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What is looked at before it is approved. `totals` are those of selectors, if they are known."""
    rows = selectors.items_of(batch).order_by("status", "-amount", "id")
    ready, left = (rows.filter(status=status) for status in (Item.READY, Item.LEFT_OUT))
    return {
        "batch": batch, "by_gateway": _by_gateway(batch, selectors.totals(batch) if totals is None else totals),
        "ready": [_line(row) for row in ready[:SHOWN]], "more": max(batch.count - SHOWN, 0),
        "left": [_line(row) for row in left[:SHOWN]], "more_left": max(batch.left_out - SHOWN, 0),
    }  # fmt: skip


def how_far(batch: PayoutBatch) -> dict[str, Any]:
    """{preview, begun, handed, over, percent, lines, more, moves, files, of_the_bank} for the page of a batch. `lines`: what
    failed first, which somebody has to look at. `moves`: it changes by itself; `of_the_bank`: some of it is paid by hand."""
    totals = selectors.totals(batch)
    taken = [row for row in totals if row["status"] != Item.LEFT_OUT]  # of a request left out, others may have paid it
    over = sum(row["count"] for row in taken if row["payout"] in (Payout.Status.COMPLETED, Payout.Status.FAILED))
    begun = sum(row["count"] for row in taken)
    handed = sum(row["count"] for row in totals if row["status"] == Item.BEGUN)
    of_the_bank = any(row["gateway"] == gateways.MANUAL for row in taken)
    failed = When(payout__status=Payout.Status.FAILED, then=Value(0))
    rows = (
        selectors.items_of(batch).exclude(status=Item.LEFT_OUT).order_by(Case(failed, default=Value(1)), "id")[:SHOWN]
    )
    return {
        "preview": preview(batch, totals), "begun": begun, "handed": handed, "over": over,
        "percent": 100 * over // begun if begun else 0, "of_the_bank": of_the_bank,
        "lines": [_line(row) for row in rows], "more": max(begun - SHOWN, 0), "files": selectors.result_files(batch),
        "moves": batch.is_running or (batch.status == PayoutBatch.Status.SENT and over < begun),
    }  # fmt: skip


def _by_gateway(batch: PayoutBatch, totals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What goes by each, and how far it is."""
    found: dict[str, dict[str, Any]] = {}
    for row in totals:
        if row["status"] == Item.LEFT_OUT:
            continue
        line = found.setdefault(row["gateway"], {"label": label_of(row["gateway"]), "count": 0, "sum": 0, "states": []})
        line["count"] += row["count"]
        line["sum"] += row["amount"]
        state = Payout.Status(row["payout"]).label if row["payout"] else "To be sent"
        line["states"].append(f"{row['count']:,} {state.lower()}")
    for line in found.values():
        line["amount"] = format_money(line["sum"], batch.currency)
    return list(found.values())


def _line(row: PayoutBatchItem) -> dict[str, Any]:
    paid = row.payout if row.status == Item.BEGUN else None  # of a request there is one before
    state, label = (
        (paid.status, paid.get_status_display()) if paid is not None else (row.status, row.get_status_display())
    )
    return {
        "who": named(row.user, row.user.email), "amount": format_money(row.amount, row.batch.currency),
        "gateway": label_of(row.gateway), "to": _place(row), "badge": badge(TONE[state], label),
        "owed": format_money(row.owed, row.batch.currency) if row.owed else "",
        "payout": paid, "why": WHY.get(row.code, row.code) or (row.payout.reason if row.payout is not None else ""),
    }  # fmt: skip


def _place(row: PayoutBatchItem) -> str:
    if row.method_id is None:
        return "By arrangement"
    return "–" if reading_across() else str(row.method)
