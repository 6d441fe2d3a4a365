"""Payouts and where they go (spec: api.md, Wallet, payouts)."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.filters import DayRangeFilter
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.core.phases import call_out
from apps.payouts import services
from apps.payouts.api import serializers
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutMethod
from apps.payouts.returning import way_back
from apps.payouts.services import connecting
from apps.rbac.access import Requirement, access_of, requires

APPROVE = requires("payout.approve", at="scoped", step_up=True)
REJECT = requires("payout.approve", "payout.manage", at="scoped", step_up=True)
PROCESS = requires("payout.manage", at="scoped", step_up=True)
CHANGE_METHOD = requires("payout.create", at="own", step_up="always")
FINAL = [status for status in Payout.Status.values if status not in Payout.OPEN]


def visible_payouts(request: Request) -> Any:
    """All of the site for staff, else one's own and those of the people one works for; what isn't visible doesn't exist."""
    access, rows = access_of(request), Payout.objects.select_related("user", "method")
    return rows if access.at_site("payout.read") else access.narrow(rows, "payout.read", own=person(request).pk)


class PayoutFilter(DayRangeFilter):
    status = django_filters.ChoiceFilter(choices=Payout.Status.choices)
    user = django_filters.UUIDFilter(field_name="user_id")
    gateway = django_filters.CharFilter()

    class Meta:
        model = Payout
        fields: list[str] = []


class PayoutListView(ListView):
    """Newest first."""

    access = {"GET": requires("payout.read", at="own")}
    serializer_class = serializers.PayoutRow
    filterset_class = PayoutFilter
    exported = Exported(money=("amount",), parts={"user": ("id", "name"), "method": ("id", "kind", "label")})

    def get_queryset(self) -> Any:
        return visible_payouts(self.request)


class PayoutHistoryView(PayoutListView):
    """Those that are over."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(status__in=FINAL)


class PayoutView(ApiView):
    access = {"GET": requires("payout.read", at="own")}
    serializer_class = serializers.PayoutRow

    def get(self, request: Request, pk: UUID) -> Response:
        return Response(self.get_serializer(find_payout(request, pk)).data)


class PayoutRequestView(ApiView):
    """Ask for one's earnings. They are held until the payout is over."""

    access = {"POST": requires("payout.create", at="own")}
    serializer_class = serializers.PayoutRequest

    @extend_schema(responses={201: serializers.PayoutRow})
    def post(self, request: Request) -> Response:
        user, data = person(request), self.validated(request)
        method = _find_method(user.pk, data["method_id"]) if data["method_id"] else None
        payout = services.request_payout(user=user, amount=data["amount"], method=method)
        return Response(serializers.PayoutRow(payout).data, status=201)


class PayoutApproveView(ApiView):
    access = {"POST": APPROVE}
    serializer_class = serializers.PayoutRow

    @extend_schema(request=None, responses=serializers.PayoutRow)
    def post(self, request: Request, pk: UUID) -> Response:
        payout = services.approve_payout(payout=find_decidable(request, pk, APPROVE), actor=request.user)  # type: ignore[arg-type]
        return Response(serializers.PayoutRow(payout).data)


class PayoutRejectView(ApiView):
    access = {"POST": REJECT}
    serializer_class = serializers.RejectRequest

    @extend_schema(responses=serializers.PayoutRow)
    def post(self, request: Request, pk: UUID) -> Response:
        payout = find_decidable(request, pk, REJECT)
        reason = self.validated(request)["reason"]
        payout = services.reject_payout(payout=payout, actor=request.user, reason=reason)  # type: ignore[arg-type]
        return Response(serializers.PayoutRow(payout).data)


class PayoutProcessView(ApiView):
    access = {"POST": PROCESS}
    serializer_class = serializers.ProcessRequest

    @extend_schema(responses=serializers.PayoutRow)
    def post(self, request: Request, pk: UUID) -> Response:
        payout = find_decidable(request, pk, PROCESS)
        reference = self.validated(request)["reference"]
        payout = services.process_payout(payout=payout, actor=request.user, reference=reference)  # type: ignore[arg-type]
        return Response(serializers.PayoutRow(payout).data)


class PayoutRetryView(ApiView):
    """Ask again for one that failed: a new payout of the same amount to the same place, to be approved as any other."""

    access = {"POST": PROCESS}
    serializer_class = serializers.PayoutRow

    @extend_schema(request=None, responses={201: serializers.PayoutRow})
    def post(self, request: Request, pk: UUID) -> Response:
        payout = services.retry_payout(payout=find_decidable(request, pk, PROCESS), actor=request.user)  # type: ignore[arg-type]
        return Response(serializers.PayoutRow(payout).data, status=201)


class PayoutCancelView(ApiView):
    """Take a request back before anybody has decided it."""

    access = {"POST": requires("payout.create", at="own")}
    serializer_class = serializers.PayoutRow

    @extend_schema(request=None, responses=serializers.PayoutRow)
    def post(self, request: Request, pk: UUID) -> Response:
        user = person(request)
        payout = Payout.objects.select_related("user", "method").filter(pk=pk, user=user).first()
        if payout is None:
            raise NotFound()
        return Response(serializers.PayoutRow(services.cancel_payout(payout=payout, user=user)).data)


def find_payout(request: Request, pk: UUID) -> Payout:
    """Those who may decide one see it, even without `payout.read`. Raises NotFound."""
    access, keys = access_of(request), ("payout.read", "payout.approve", "payout.manage")
    rows = Payout.objects.select_related("user", "method")
    if not any(access.at_site(key) for key in keys):
        rows = access.narrow(rows, *keys, own=person(request).pk)
    return _first(rows, pk)


def find_decidable(request: Request, pk: UUID, decision: Requirement) -> Payout:
    """Among the payouts of those for whom the decision is the caller's. Raises NotFound."""
    return _first(access_of(request).narrow(Payout.objects.select_related("user", "method"), *decision.keys), pk)


def _first(rows: Any, pk: UUID) -> Payout:
    payout: Payout | None = rows.filter(pk=pk).first()
    if payout is None:
        raise NotFound()
    return payout


class MethodListView(ListView):
    """Where my money may go. Whoever changes that has lately proved who they are (403 `step_up_required`)."""

    access = {"GET": requires("payout.create", at="own"), "POST": CHANGE_METHOD}
    serializer_class = serializers.MethodRow
    exported = Exported(parts={"details": ("masked",)})

    def get_queryset(self) -> Any:
        return OwnMethod.objects.filter(user_id=person(self.request).pk)

    @extend_schema(request=serializers.MethodRequest, responses={201: serializers.MethodMade})
    def post(self, request: Request) -> Any:
        serializer = serializers.MethodRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        kind, details = serializer.validated_data["kind"], serializer.validated_data["details"]
        if kind == PayoutMethod.Kind.STRIPE_CONNECT:
            account = connecting.begin_connecting(user=person(request), details=details)
            return go_to_stripe(request, account, status=201)
        method = services.add_method(user=person(request), kind=kind, details=details)
        return Response(serializers.MethodMade(method).data, status=201)


def go_to_stripe(request: Request, account: ConnectAccount, *, status: int) -> Any:
    def answer(made: connecting.Connecting) -> Response:
        row = serializers.MethodMade(made.method, context={"onboarding_url": made.url})
        return Response(row.data, status=status)

    call, finish = connecting.start_connecting(account, way_back(request, account.method_id), answer)
    return call_out(request, call, finish, lambda error: connecting.start_over(account.pk, error))


class MethodOnboardingView(ApiView):
    """Another link to Stripe's page, for a `stripe_connect` method that isn't finished there. Asks Stripe what it wants.

    Whoever has the link says where money goes, so they have lately proved who they are (403 `step_up_required`).
    """

    access = {"POST": CHANGE_METHOD}
    serializer_class = serializers.MethodMade

    @extend_schema(request=None, responses=serializers.MethodMade)
    def post(self, request: Request, pk: UUID) -> Any:
        account = connecting.unfinished(user=person(request), method_id=pk)
        return go_to_stripe(request, account, status=200)


class MethodView(ApiView):
    access = {"DELETE": CHANGE_METHOD}
    serializer_class = serializers.MethodRow

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        user = person(request)
        services.remove_method(method=_find_method(user.pk, pk), actor=user)
        return Response(status=204)


def _find_method(user_id: UUID, pk: UUID) -> OwnMethod:
    method = OwnMethod.objects.filter(user_id=user_id, pk=pk).first()
    if method is None:
        raise NotFound()
    return method
