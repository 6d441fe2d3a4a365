"""Freezes: the radius first, then exactly that (X11)."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.views import ApiView, ListView
from apps.core.errors import NotFound
from apps.fraud import errors, selectors, services
from apps.fraud.api import serializers
from apps.fraud.models import Freeze
from apps.fraud.services.freezing import FREEZES_BONUSES
from apps.rbac.access import access_of, requires
from apps.referrals.models import Partner

DECIDE = requires("affiliate.manage")
READ = requires("affiliate.manage", FREEZES_BONUSES)


class FreezeFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Freeze.Status.choices)
    partner_id = django_filters.UUIDFilter()

    class Meta:
        model = Freeze
        fields: tuple[str, ...] = ()


class FreezesView(ListView):
    """Freeze a partner with all that depends on them, or only see what that would be (`preview`).

    Bonuses are frozen along where the caller may freeze bonuses (`referral.bonus.freeze`).
    """

    access = {"GET": READ, "POST": DECIDE}
    serializer_class = serializers.FreezeRow
    filterset_class = FreezeFilter

    def get_queryset(self) -> QuerySet[Freeze]:
        return selectors.freezes()

    @extend_schema(
        request=serializers.FreezeRequest,
        responses={200: serializers.RadiusAnswer, 201: serializers.FreezeDetail},
    )
    def post(self, request: Request) -> Response:
        body = serializers.FreezeRequest(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, Any] = body.validated_data
        partner = find_partner(wanted["partner_id"])
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        if wanted["preview"]:
            if partner.status == Partner.Status.FROZEN:
                raise errors.already_frozen()
            chosen = services.choose(partner=partner, also=wanted["also"])
            return Response(serializers.RadiusAnswer(services.radius(partner, also=chosen, bonuses=bonuses)).data)
        freeze = services.freeze_partner(
            partner=partner, reason=wanted["reason"], also=wanted["also"], seen=wanted["seen"], bonuses=bonuses,
            actor=person(request),
        )  # fmt: skip
        return Response(serializers.FreezeDetail(find_freeze(freeze.pk)).data, status=201)


class FreezeView(ApiView):
    """One freeze with everything it touched, as it was before."""

    access = {"GET": READ}
    serializer_class = serializers.FreezeDetail

    @extend_schema(responses=serializers.FreezeDetail)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(serializers.FreezeDetail(find_freeze(pk)).data)


class LiftView(ApiView):
    """Give back what a freeze froze, as it was; what somebody decided about meanwhile is left as it is."""

    access = {"POST": DECIDE}
    serializer_class = serializers.LiftRequest

    @extend_schema(responses=serializers.FreezeDetail)
    def post(self, request: Request, pk: UUID) -> Response:
        freeze = find_freeze(pk)
        reason = self.validated(request)["reason"]
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        services.lift_freeze(freeze=freeze, reason=reason, actor=person(request), bonuses=bonuses)
        return Response(serializers.FreezeDetail(find_freeze(pk)).data)


def find_partner(pk: UUID) -> Partner:
    """Raises NotFound."""
    partner: Partner | None = Partner.objects.people().filter(pk=pk).select_related("user").first()
    if partner is None:
        raise NotFound()
    return partner


def find_freeze(pk: UUID) -> Freeze:
    """Raises NotFound."""
    freeze = selectors.freezes().prefetch_related("items").filter(pk=pk).first()
    if freeze is None:
        raise NotFound()
    return freeze
