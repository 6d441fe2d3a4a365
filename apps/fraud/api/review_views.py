"""What was noticed, what it adds up to, and what a person decides about it (W14)."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.filters import DayRangeFilter
from apps.core.api.views import ApiView, ListView
from apps.core.errors import NotFound
from apps.fraud import selectors, services
from apps.fraud.api import review_serializers as serializers
from apps.fraud.api.views import DECIDE, READ
from apps.fraud.models import Kind, Review, Signal
from apps.fraud.services.freezing import FREEZES_BONUSES
from apps.rbac.access import access_of, requires


class SignalFilter(DayRangeFilter):
    """`date_from` and `date_to`: last seen."""

    day_field = "last_seen"

    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    partner_id = django_filters.UUIDFilter()
    review_id = django_filters.UUIDFilter()
    counts = django_filters.BooleanFilter(method="only_counting")

    class Meta:
        model = Signal
        fields: tuple[str, ...] = ()

    def only_counting(self, rows: QuerySet[Signal], name: str, value: bool) -> QuerySet[Signal]:
        live = {"review": None, "expired_at": None}
        return rows.filter(**live) if value else rows.exclude(**live)


class ReviewFilter(DayRangeFilter):
    status = django_filters.ChoiceFilter(choices=Review.Status.choices)
    level = django_filters.ChoiceFilter(choices=Review.Level.choices)
    kind = django_filters.ChoiceFilter(choices=Kind.choices, method="with_kind")
    partner_id = django_filters.UUIDFilter()

    class Meta:
        model = Review
        fields: tuple[str, ...] = ()

    def with_kind(self, rows: QuerySet[Review], name: str, value: str) -> QuerySet[Review]:
        return selectors.with_kind(rows, value)


class SignalsView(ListView):
    """Everything that was noticed, newest first. Evidence is masked in the words and kept nowhere else."""

    access = {"GET": READ}
    serializer_class = serializers.SignalRow
    filterset_class = SignalFilter

    def get_queryset(self) -> QuerySet[Signal]:
        return selectors.signals()


class ReviewsView(ListView):
    """Partners whose score passed a threshold, newest first: `?status=open` is the queue."""

    access = {"GET": READ}
    serializer_class = serializers.ReviewRow
    filterset_class = ReviewFilter

    def get_queryset(self) -> QuerySet[Review]:
        return selectors.reviews()


class ReviewView(ApiView):
    """One review: the score with its reasons, beside the thresholds."""

    access = {"GET": READ}
    serializer_class = serializers.ReviewDetail

    @extend_schema(responses=serializers.ReviewDetail)
    def get(self, request: Request, pk: UUID) -> Response:
        return _detail(pk)


class ClearView(ApiView):
    """Nothing is wrong: these signals never count again, what was held is free, and what the machine froze is as before."""

    access = {"POST": requires("affiliate.manage", step_up=True)}
    serializer_class = serializers.ClearRequest

    @extend_schema(responses=serializers.ReviewDetail)
    def post(self, request: Request, pk: UUID) -> Response:
        review, wanted = find_review(pk), self.validated(request)
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        services.clear_review(
            review=review, reason=wanted["reason"], seen=wanted["seen"], actor=person(request), bonuses=bonuses
        )
        return _detail(pk)


class ConfirmView(ApiView):
    """Something is wrong: the partner is frozen with what depends on them (see `/admin/fraud/freezes`)."""

    access = {"POST": DECIDE}
    serializer_class = serializers.ConfirmRequest

    @extend_schema(responses=serializers.ReviewDetail)
    def post(self, request: Request, pk: UUID) -> Response:
        review, wanted = find_review(pk), self.validated(request)
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        services.confirm_review(review=review, actor=person(request), bonuses=bonuses, **wanted)
        return _detail(pk)


class FraudSettingsView(ApiView):
    """Thresholds, what each kind of signal weighs, and how long evidence is kept. PUT changes what it names."""

    access = {"GET": READ, "PUT": requires("affiliate.manage", step_up=True)}
    serializer_class = serializers.SettingsChange

    @extend_schema(responses=serializers.SettingsRow)
    def get(self, request: Request) -> Response:
        return Response(serializers.SettingsRow(selectors.fraud_settings()).data)

    @extend_schema(responses=serializers.SettingsRow)
    def put(self, request: Request) -> Response:
        actor: Any = request.user
        row = services.change_fraud_settings(changes=self.validated(request), actor=actor)
        return Response(serializers.SettingsRow(row).data)


def find_review(pk: UUID) -> Review:
    """Raises NotFound."""
    review = selectors.reviews().filter(pk=pk).first()
    if review is None:
        raise NotFound()
    return review


def _detail(pk: UUID) -> Response:
    review: Any = find_review(pk)
    review.its_signals = list(selectors.signals_of(review))
    review.thresholds, review.digest = selectors.fraud_settings(), services.digest(review.its_signals)
    return Response(serializers.ReviewDetail(review).data)
