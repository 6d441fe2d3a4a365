"""Orders reported by shops, refunds, and what somebody bought (spec: api.md, Orders)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.orders import services
from apps.orders.api import serializers
from apps.orders.api.filters import OrderFilter
from apps.orders.models import Order
from apps.rbac.access import SIGNED_IN, access_of, requires

BUYER = "customer__user_id"
READ_KEYS = ("order.read", "orders.write")
REFUND = requires("order.update", "orders.write", at="scoped", step_up=True)


class ExternalOrderView(ApiView):
    """Report a paid order of a shop. The same report again answers 200 with the same order."""

    access = {"POST": requires("orders.write", "order.create")}
    serializer_class = serializers.ExternalOrderRequest

    @extend_schema(responses={201: serializers.OrderRow, 200: serializers.OrderRow})
    def post(self, request: Request) -> Response:
        actor: Any = request.user
        order, is_new = services.record_external_order(**self.validated(request), actor=actor)
        return Response(serializers.OrderRow(order).data, status=201 if is_new else 200)


class OrderListView(ListView):
    """My orders; for staff and shops, the site's."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.OrderRow
    filterset_class = OrderFilter
    exported = Exported(
        money=("amount", "refunded_amount"), parts={"customer": ("id", "email", "user_id", "external_id")}
    )

    def get_queryset(self) -> QuerySet[Order]:
        return visible_orders(self.request)


class OrderView(ApiView):
    """One order."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.OrderRow

    @extend_schema(responses=serializers.OrderRow)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(serializers.OrderRow(find_order(request, pk)).data)


class RefundView(ApiView):
    """Report money given back, in part or whole. The same report again answers 200 with the same refund."""

    access = {"POST": REFUND}
    serializer_class = serializers.RefundRequest

    @extend_schema(responses={201: serializers.RefundRow, 200: serializers.RefundRow})
    def post(self, request: Request, pk: UUID) -> Response:
        rows = access_of(request).narrow(Order.objects.all(), *REFUND.keys, by=BUYER)
        order: Order | None = rows.filter(pk=pk).first()
        if order is None:
            raise NotFound()
        actor: Any = request.user
        refund, is_new = services.refund_order(order=order, **self.validated(request), actor=actor)
        return Response(serializers.RefundRow(refund).data, status=201 if is_new else 200)


def visible_orders(request: Any) -> QuerySet[Order]:
    """All of the site's for staff with `order.read` and shops with `orders.write`, else the caller's own and those of the people
    they work for."""
    access, orders = access_of(request), Order.objects.select_related("customer").prefetch_related("lines")
    if any(access.at_site(key) for key in READ_KEYS):
        return orders
    narrowed: QuerySet[Order] = access.narrow(orders, *READ_KEYS, by=BUYER, own=person(request).pk)
    return narrowed


def find_order(request: Any, pk: UUID) -> Order:
    """Raises NotFound for an unknown id and for somebody else's order alike."""
    order = visible_orders(request).filter(pk=pk).first()
    if order is None:
        raise NotFound()
    return order
