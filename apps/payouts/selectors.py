"""Reads that join."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from apps.core.tenancy import reading_across
from apps.payouts.models import PayoutBatch, PayoutBatchItem, PayoutResultFile
from apps.sites.models import SiteSettings

Schedule = SiteSettings.PayoutSchedule
MOST_DAYS_AHEAD = 32  # a month has each of its days up to the 28th


def is_scheduled_on(settings: SiteSettings, day: date) -> bool:
    """Does the site's schedule propose a batch of everybody's earnings that day?"""
    number = {Schedule.WEEKLY: day.isoweekday(), Schedule.MONTHLY: day.day}.get(Schedule(settings.payout_schedule))
    return number == settings.payout_day


def next_scheduled(settings: SiteSettings, today: date) -> date | None:
    """The first such day from today on. None: nobody is paid without asking."""
    if settings.payout_schedule == Schedule.ON_REQUEST:
        return None
    days = (today + timedelta(days=ahead) for ahead in range(MOST_DAYS_AHEAD))
    return next((day for day in days if is_scheduled_on(settings, day)), None)


def batches() -> QuerySet[PayoutBatch]:
    return PayoutBatch.objects.select_related("created_by", "approved_by")


def items_of(batch: PayoutBatch | UUID) -> QuerySet[PayoutBatchItem]:
    return with_payouts(PayoutBatchItem.objects.filter(batch=batch))


def with_payouts(items: QuerySet[PayoutBatchItem]) -> QuerySet[PayoutBatchItem]:
    """And with where each is paid to, which isn't read across sites."""
    rows = items.select_related("user", "payout", "batch")
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
