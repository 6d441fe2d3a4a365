"""Adding funds (A12): paid at Stripe, credited by its verified word."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.filters import DayRangeFilter
from apps.core.api.throttling import client_ip
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.core.phases import call_out
from apps.payments.api.serializers import RefundRequest
from apps.payments.services import start_payment, start_refund
from apps.rbac.access import SIGNED_IN, access_of, requires
from apps.wallet import services
from apps.wallet.api import serializers
from apps.wallet.models import Deposit

READ_KEYS = ("payout.read", "billing.read")
REFUND = requires("order.update", at="scoped", step_up=True)


class DepositFilter(DayRangeFilter):
    status = django_filters.ChoiceFilter(choices=Deposit.Status.choices)

    class Meta:
        model = Deposit
        fields: list[str] = []


class StaffDepositFilter(DepositFilter):
    user = django_filters.UUIDFilter(field_name="user_id")


class DepositListView(ListView):
    """My deposits, newest first. POST opens one; its funds come with Stripe's word that it is paid."""

    access = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    serializer_class = serializers.DepositRow
    filterset_class = DepositFilter
    exported = Exported(money=("amount", "refunded_amount"))

    def get_queryset(self) -> QuerySet[Deposit]:
        return Deposit.objects.filter(user_id=person(self.request).pk)

    @extend_schema(request=serializers.DepositRequest, responses={201: serializers.OpenedDepositRow})
    def post(self, request: Request) -> Any:
        wanted = serializers.DepositRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        deposit, payment = services.open_deposit(
            user=person(request), ip_address=client_ip(request), **wanted.validated_data
        )

        def answer(intent: Any) -> Response:
            context = {"client_secret": intent.client_secret}
            return Response(serializers.OpenedDepositRow(deposit, context=context).data, status=201)

        return call_out(request, *start_payment(payment, answer), lambda error: services.drop_deposit(deposit=deposit))


class StaffDepositListView(ListView):
    """Everybody's deposits at this site, newest first."""

    access = {"GET": requires(*READ_KEYS)}
    serializer_class = serializers.DepositRow
    filterset_class = StaffDepositFilter
    exported = Exported(money=("amount", "refunded_amount"))

    def get_queryset(self) -> QuerySet[Deposit]:
        return Deposit.objects.all()


class DepositView(ApiView):
    """One of mine: whether it is paid yet."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.DepositRow

    @extend_schema(responses=serializers.DepositRow)
    def get(self, request: Request, pk: UUID) -> Response:
        deposit = Deposit.objects.filter(pk=pk, user_id=person(request).pk).first()
        if deposit is None:
            raise NotFound()
        return Response(serializers.DepositRow(deposit).data)


class DepositRefundView(ApiView):
    """Give a deposit back, in part or all that is left of it, as far as it is in the funds still. At Stripe first; the same again
    answers 200."""

    access = {"POST": REFUND}
    serializer_class = RefundRequest

    @extend_schema(responses={201: serializers.DepositRow, 200: serializers.DepositRow})
    def post(self, request: Request, pk: UUID) -> Any:
        deposits = access_of(request).narrow(Deposit.objects.all(), *REFUND.keys, by="user_id")
        deposit: Deposit | None = deposits.filter(pk=pk).first()
        if deposit is None:
            raise NotFound()
        actor: Any = request.user
        refund, is_new = services.ask_deposit_refund(deposit=deposit, actor=actor, **self.validated(request))

        def answer() -> Response:
            deposit.refresh_from_db()
            return Response(serializers.DepositRow(deposit).data, status=201 if is_new else 200)

        return call_out(request, *start_refund(refund, answer))
