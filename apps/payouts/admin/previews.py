"""A batch as its page shows it: who would be paid what by what, and how far each is."""

from typing import Any

from django.db.models import Case, QuerySet, Value, When

from apps.core.backoffice import badge, named
from apps.core.money import format_money
from apps.core.tenancy import reading_across
from apps.payouts import gateways, selectors
from apps.payouts.admin.shown import TONE, WHY, label_of
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem

SHOWN = 200
"""People of each kind; the others are in the list of people in batches."""
Item = PayoutBatchItem.Status


def preview(batch: PayoutBatch) -> dict[str, Any]:
    """What is looked at before it is approved: {batch, by_gateway, ready, more, left, more_left}."""
    ready, left = (batch.items.filter(status=status) for status in (Item.READY, Item.LEFT_OUT))
    return {
        "batch": batch, "by_gateway": _by_gateway(batch, selectors.totals(batch)),
        "ready": _first(ready, "-amount", "id"), "more": max(batch.count - SHOWN, 0),
        "left": _first(left, "-amount", "id"), "more_left": max(batch.left_out - SHOWN, 0),
    }  # fmt: skip


def how_far(batch: PayoutBatch) -> dict[str, Any]:
    """{by_gateway, begun, handed, over, percent, lines, more, left, moves, files, of_the_bank} of one that was approved.

    `lines`: what failed first, which somebody has to look at. `moves`: it changes by itself; `of_the_bank`: some is paid by hand.
    """
    totals = selectors.totals(batch)
    taken = [row for row in totals if row["status"] != Item.LEFT_OUT]  # of a request left out, others may have paid it
    over = sum(row["count"] for row in taken if row["payout"] in (Payout.Status.COMPLETED, Payout.Status.FAILED))
    begun = sum(row["count"] for row in taken)
    failed = Case(When(payout__status=Payout.Status.FAILED, then=Value(0)), default=Value(1))
    return {
        "by_gateway": _by_gateway(batch, totals), "begun": begun, "over": over,
        "handed": sum(row["count"] for row in taken if row["status"] == Item.BEGUN),
        "percent": 100 * over // begun if begun else 0,
        "of_the_bank": any(row["gateway"] == gateways.MANUAL for row in taken),
        "lines": _first(batch.items.exclude(status=Item.LEFT_OUT), failed, "id"), "more": max(begun - SHOWN, 0),
        "left": _first(batch.items.filter(status=Item.LEFT_OUT), "-amount", "id"), "files": selectors.result_files(batch),
        "moves": batch.is_running or (batch.status == PayoutBatch.Status.SENT and over < begun),
    }  # fmt: skip


def _first(items: QuerySet[PayoutBatchItem], *order: Any) -> list[dict[str, Any]]:
    """The first of them as lines. Their ids come first: with all that a line shows, ten thousand were sorted for two hundred."""
    ids = list(items.order_by(*order).values_list("pk", flat=True)[:SHOWN])
    found = {row.pk: row for row in selectors.with_payouts(PayoutBatchItem.objects.filter(pk__in=ids))} if ids else {}
    return [_line(found[pk]) for pk in ids]


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
