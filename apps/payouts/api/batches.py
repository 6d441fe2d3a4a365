"""Batches of payouts, their files, and the comparison with the gateways' records."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import django_filters
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.filters import DayRangeFilter
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.core.phases import call_out
from apps.core.tenancy import reading_across, require_site_id
from apps.payouts import selectors, services
from apps.payouts.api import serializers
from apps.payouts.models import PayoutBatch, PayoutBatchItem, Reconciliation
from apps.rbac.access import requires

READ = requires("payout.read", "payout.approve", "payout.manage")
PROPOSE = requires("payout.manage", "payout.approve", step_up=True)
APPROVE = requires("payout.approve", step_up=True)
MANAGE = requires("payout.manage", step_up=True)


class BatchFilter(DayRangeFilter):
    status = django_filters.ChoiceFilter(choices=PayoutBatch.Status.choices)

    class Meta:
        model = PayoutBatch
        fields: list[str] = []


class ItemFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=PayoutBatchItem.Status.choices)
    gateway = django_filters.CharFilter()
    code = django_filters.CharFilter()

    class Meta:
        model = PayoutBatchItem
        fields: list[str] = []


class PayoutBatchListView(ListView):
    """Newest first. POST proposes one: nothing is paid until somebody else approves it."""

    access = {"GET": READ, "POST": PROPOSE}
    serializer_class = serializers.PayoutBatchRow
    filterset_class = BatchFilter
    exported = Exported(money=("amount",), parts={"created_by": ("id", "name"), "approved_by": ("id", "name")})

    def get_queryset(self) -> Any:
        return selectors.batches()

    @extend_schema(request=serializers.ProposeRequest, responses={201: serializers.PayoutBatchDetail})
    def post(self, request: Request) -> Response:
        asked = serializers.ProposeRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        rules, actor = asked.validated_data, request.user
        batch = services.propose_batch(
            with_requests=rules["requests"],
            with_available=rules["available"],
            actor=actor,  # type: ignore[arg-type]
        )
        return Response(_detail(batch), status=201)


class PayoutBatchView(ApiView):
    """One batch and how far it is, by gateway and reason."""

    access = {"GET": READ}
    serializer_class = serializers.PayoutBatchDetail

    @extend_schema(responses=serializers.PayoutBatchDetail)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(_detail(_find(pk)))


class PayoutBatchItemsView(ListView):
    """Who is in it: how much, by what, or why not."""

    access = {"GET": READ}
    serializer_class = serializers.PayoutBatchItemRow
    filterset_class = ItemFilter
    exported = Exported(
        money=("amount", "owed"),
        parts={"user": ("id", "name"), "method": ("id", "kind", "label"), "payout": ("id", "status", "reference")},
    )

    def get_queryset(self) -> Any:
        pk: UUID = self.kwargs["pk"]
        return selectors.items_of(pk if reading_across() else _find(pk).pk)  # each site is asked, and it is of one


class _Decision(ApiView):
    serializer_class: Any = serializers.PayoutBatchDetail

    @extend_schema(request=None, responses=serializers.PayoutBatchDetail)
    def post(self, request: Request, pk: UUID) -> Response:
        return Response(_detail(self.decide(_find(pk), request.user)))

    def decide(self, batch: PayoutBatch, actor: Any) -> PayoutBatch:
        raise NotImplementedError


class PayoutBatchRefreshView(_Decision):
    """Look again at a proposed one."""

    access = {"POST": PROPOSE}

    def decide(self, batch: PayoutBatch, actor: Any) -> PayoutBatch:
        return services.refresh_batch(batch=batch, actor=actor)


class PayoutBatchCancelView(_Decision):
    """Drop a proposed one."""

    access = {"POST": PROPOSE}

    def decide(self, batch: PayoutBatch, actor: Any) -> PayoutBatch:
        return services.cancel_batch(batch=batch, actor=actor)


class PayoutBatchCloseView(_Decision):
    """Close one whose payouts are all over and agree with their gateways."""

    access = {"POST": MANAGE}

    def decide(self, batch: PayoutBatch, actor: Any) -> PayoutBatch:
        return services.close_batch(batch=batch, actor=actor)


class PayoutBatchApproveView(ApiView):
    """By another than who proposed it; `seen` says what was looked at. It runs in the background."""

    access = {"POST": APPROVE}
    serializer_class = serializers.ApproveBatchRequest

    @extend_schema(responses=serializers.PayoutBatchDetail)
    def post(self, request: Request, pk: UUID) -> Response:
        batch, seen = _find(pk), self.validated(request)["seen"]
        return Response(_detail(services.approve_batch(batch=batch, actor=request.user, seen=seen)))  # type: ignore[arg-type]


class BankFileView(ApiView):
    """What is to be paid by hand of a batch, as a CSV for the bank. Accounts are in clear: keep it as you keep money."""

    access = {"POST": MANAGE}
    serializer_class = None

    @extend_schema(request=None, responses={(200, "text/csv"): OpenApiTypes.STR})
    def post(self, request: Request, pk: UUID) -> Any:
        return services.bank_file(batch=_find(pk), actor=request.user)


class ResultsView(ApiView):
    """What the bank says became of them: as a whole or not at all, and twice is once. More than 500 rows are read as a whole too,
    and booked in the background (202): the batch's `results` say how far."""

    access = {"POST": MANAGE}
    serializer_class = serializers.ResultsRequest

    @extend_schema(responses={200: serializers.ResultsBooked, 202: serializers.ResultFileRow})
    def post(self, request: Request, pk: UUID) -> Response:
        batch, text = _find(pk), self.validated(request)["file"]
        booked = services.book_results(batch=batch, text=text, actor=request.user)  # type: ignore[arg-type]
        if booked.file is not None:
            return Response(serializers.ResultFileRow(booked.file).data, status=202)
        return Response(serializers.ResultsBooked(booked).data)


class ReconciliationView(ListView):
    """Comparisons with the gateways' own records, newest first. POST compares now."""

    access = {"GET": READ, "POST": requires("payout.manage")}
    serializer_class = serializers.ReconciliationRow
    exported = Exported(parts={"ran_by": ("id", "name")})

    def get_queryset(self) -> Any:
        return Reconciliation.objects.select_related("ran_by")

    @extend_schema(request=serializers.ReconcileRequest, responses={201: serializers.ReconciliationRow})
    def post(self, request: Request) -> HttpResponse:
        asked = serializers.ReconcileRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        site_id, actor = require_site_id(), request.user
        since = timezone.now() - timedelta(days=asked.validated_data["days"])

        def keep(found: Any) -> Response:
            row = services.keep_comparison(since=since, differences=found, actor=actor)  # type: ignore[arg-type]
            return Response(serializers.ReconciliationRow(row).data, status=201)

        return call_out(request, lambda: services.reconcile(site_id=site_id, since=since), keep)


def _detail(batch: PayoutBatch) -> Any:
    found: Any = selectors.batches().get(pk=batch.pk)
    found.totals, found.results = selectors.totals(found), selectors.result_files(found)
    return serializers.PayoutBatchDetail(found).data


def _find(pk: UUID) -> PayoutBatch:
    found = selectors.batches().filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found
