"""Reads that join."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.allocations.models import Allocation, AllocationBatch, Transfer
from apps.core.tenancy import reading_across
from apps.custody.services.accounts import token_network
from apps.sites.selectors import site_settings


def with_buyers() -> QuerySet[Allocation]:
    """Allocations with what says whose they are and what they wait for. Addresses aren't read across sites."""
    rows = Allocation.objects.select_related("order__customer__user")
    if reading_across():
        return rows
    return rows.with_address(token_network(), rest_hours=site_settings().method_cooldown_hours)


def batches() -> QuerySet[AllocationBatch]:
    """Each with its progress, counted for the rows of a page only."""
    rows = AllocationBatch.objects.select_related("created_by")
    return rows.annotate(**{status: _count(status) for status in Transfer.Status.values})


def transfers_of(batch: AllocationBatch) -> QuerySet[Transfer]:
    """In the order they were written down."""
    return batch.transfers.select_related("allocation__order__customer__user").order_by("id")


def allocations_of(batch: AllocationBatch) -> QuerySet[Allocation]:
    """As they are now: one that failed here may be in another batch since."""
    return with_buyers().filter(pk__in=batch.transfers.values("allocation_id")).order_by("id")


def _count(status: str) -> Any:
    found = (
        Transfer.objects.filter(batch=OuterRef("pk"), status=status).order_by().values("batch").annotate(n=Count("id"))
    )
    return Coalesce(Subquery(found.values("n"), output_field=IntegerField()), 0)
