"""Tokens owed and their sending (spec: api.md, Orders, payments, tokens)."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.allocations import selectors, services
from apps.allocations.api import serializers
from apps.allocations.models import BUYER, Allocation
from apps.core.api.filters import DayRangeFilter
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.rbac.access import SIGNED_IN, requires

READ = requires("payout.read", "payout.manage")
SEND = requires("payout.manage", step_up=True)


class AllocationFilter(DayRangeFilter):
    status = django_filters.ChoiceFilter(choices=Allocation.Status.choices)
    order = django_filters.UUIDFilter(field_name="order_id")

    class Meta:
        model = Allocation
        fields: list[str] = []


class StaffAllocationFilter(AllocationFilter):
    user = django_filters.UUIDFilter(field_name=BUYER)
    overpaid = django_filters.BooleanFilter(method="refunded_after_sending")

    def refunded_after_sending(self, rows: QuerySet[Allocation], name: str, value: bool) -> QuerySet[Allocation]:
        return rows.filter(overpaid__gt=0) if value else rows.filter(overpaid=0)


class OwnAllocationsView(ListView):
    """Tokens of what I bought."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.AllocationRow
    filterset_class = AllocationFilter

    def get_queryset(self) -> Any:
        return selectors.with_buyers().filter(**{BUYER: person(self.request).pk})


class AllocationListView(ListView):
    """Tokens owed and sent at this site, newest first."""

    access = {"GET": READ}
    serializer_class = serializers.StaffAllocationRow
    filterset_class = StaffAllocationFilter
    exported = Exported(parts={"user": ("id", "name")})

    def get_queryset(self) -> Any:
        return selectors.with_buyers()


class BatchListView(ListView):
    """What was sent at once, with its progress. POST sends up to 100 allocations: all of them or none."""

    access = {"GET": READ, "POST": SEND}
    serializer_class = serializers.BatchRow
    exported = Exported(parts={"created_by": ("id", "name"), "progress": ("waiting", "sent", "completed", "failed")})

    def get_queryset(self) -> Any:
        return selectors.batches()

    @extend_schema(request=serializers.BatchRequest, responses={201: serializers.BatchRow})
    def post(self, request: Request) -> Response:
        serializer = serializers.BatchRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        actor: Any = request.user
        batch = services.send_batch(**serializer.validated_data, actor=actor)
        return Response(serializers.BatchRow(selectors.batches().get(pk=batch.pk)).data, status=201)


class BatchView(ApiView):
    """One batch: how far it is, and its allocations."""

    access = {"GET": READ}
    serializer_class = serializers.BatchDetail

    @extend_schema(responses=serializers.BatchDetail)
    def get(self, request: Request, pk: UUID) -> Response:
        found = selectors.batches().filter(pk=pk).first()
        if found is None:
            raise NotFound()
        return Response(serializers.BatchDetail(found).data)


class RetryView(ApiView):
    """A failed one may be sent again."""

    access = {"POST": SEND}
    serializer_class = serializers.StaffAllocationRow

    @extend_schema(request=None, responses=serializers.StaffAllocationRow)
    def post(self, request: Request, pk: UUID) -> Response:
        found = Allocation.objects.filter(pk=pk).first()
        if found is None:
            raise NotFound()
        actor: Any = request.user
        services.retry_allocation(allocation=found, actor=actor)
        return Response(serializers.StaffAllocationRow(selectors.with_buyers().get(pk=pk)).data)
