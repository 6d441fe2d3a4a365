"""Becoming an affiliate by paying, and what a buyer owns (H5, H10)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import Conflict, NotFound
from apps.core.phases import call_out
from apps.orders import services
from apps.orders.api import serializers
from apps.orders.api.filters import ServiceFilter
from apps.orders.models import Service
from apps.payments.services import start_payment
from apps.rbac.access import SIGNED_IN, access_of, requires
from apps.referrals.models import Partner
from apps.referrals.selectors import partner_of

OWNER = "customer__user_id"
READ_KEYS = ("order.read", "server.read")


class SubscribeView(ApiView):
    """Become an active affiliate where the site asks for it (H5)."""

    access = {"POST": requires("affiliate.read", at="own")}
    serializer_class = serializers.SubscribeRequest

    @extend_schema(responses={201: serializers.SubscribeAnswer, 200: serializers.SubscribeAnswer})
    def post(self, request: Request) -> Any:
        """`paid` asked again while it waits answers with the same payment."""
        partner = partner_of(person(request))
        path = self.validated(request)["path"]
        if partner.is_active:
            return Response({"status": partner.status})
        if partner.status != Partner.Status.PENDING:
            raise Conflict("invalid_state", f"This partner is {partner.status}.")
        if path == "purchase":
            raise Conflict("qualifying_purchase_required", "A paid order of a qualifying product activates you.")
        order, payment = services.subscribe(user=person(request))

        def answer(intent: Any) -> Response:
            opened = {"client_secret": intent.client_secret, "amount": order.amount, "currency": order.currency}
            return Response({"status": "pending", "payment": opened, "order_id": order.pk}, status=201)

        return call_out(request, *start_payment(payment, answer), lambda error: services.drop_order(order=order))


class ServiceListView(ListView):
    """What I own; for staff, what everybody does."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.OwnedServiceRow
    filterset_class = ServiceFilter
    exported = Exported(parts={"customer": ("id", "email", "user_id", "external_id")})

    def get_queryset(self) -> QuerySet[Service]:
        return services_for(self.request, *READ_KEYS)


class CancelServiceView(ApiView):
    """Not renewed any more: its owner, or staff. Money goes back by a refund only."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.CancelRequest

    @extend_schema(responses=serializers.OwnedServiceRow)
    def post(self, request: Request, pk: UUID) -> Response:
        service = services_for(request, "order.update", "server.update").filter(pk=pk).first()
        if service is None:
            raise NotFound()
        actor: Any = request.user
        cancelled = services.cancel_service(service=service, actor=actor, **self.validated(request))
        return Response(serializers.OwnedServiceRow(cancelled).data)


def services_for(request: Any, *keys: str) -> QuerySet[Service]:
    """Mine and those of the people one of the keys is held for."""
    access, rows = access_of(request), Service.objects.select_related("customer", "line").order_by("-id")
    if any(access.at_site(key) for key in keys):
        return rows
    narrowed: QuerySet[Service] = access.narrow(rows, *keys, by=OWNER, own=person(request).pk)
    return narrowed
