"""Reads that join."""

from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from apps.core.tenancy import reading_across
from apps.payouts.models import PayoutBatch, PayoutBatchItem, PayoutResultFile


def batches() -> QuerySet[PayoutBatch]:
    return PayoutBatch.objects.select_related("created_by", "approved_by")


def items_of(batch: PayoutBatch | UUID) -> QuerySet[PayoutBatchItem]:
    """With where each is paid to, which isn't read across sites."""
    rows = PayoutBatchItem.objects.filter(batch=batch).select_related("user", "payout", "batch")
    return rows if reading_across() else rows.select_related("method")


def result_files(batch: PayoutBatch) -> QuerySet[PayoutResultFile]:
    """Its last ten."""
    return PayoutResultFile.objects.filter(batch=batch).order_by("-id")[:10]


def totals(batch: PayoutBatch) -> list[dict[str, Any]]:
    """[{gateway, status, code, payout, count, amount}] by how far they are, counted now. One query."""
    rows = PayoutBatchItem.objects.filter(batch=batch).order_by()
    by = rows.values("gateway", "status", "code", state=Coalesce(F("payout__status"), Value("")))
    found: Any = by.annotate(count=Count("pk"), amount=Sum("amount")).order_by("status", "gateway", "code", "state")
    return [{**row, "payout": row.pop("state")} for row in found]
