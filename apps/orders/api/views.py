"""Orders reported by shops, refunds, and what somebody bought (spec: api.md, Orders)."""

from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import Conflict, NotFound
from apps.core.phases import call_out
from apps.orders import services
from apps.orders.api import serializers
from apps.orders.api.filters import OrderFilter
from apps.orders.invoice_pdf import invoice_file
from apps.orders.models import Invoice, Order
from apps.payments.api.serializers import RefundRequest
from apps.payments.services import call_off, start_payment, start_refund
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
    """My orders; for staff and shops, the site's. POST buys."""

    access = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    serializer_class = serializers.OrderRow
    filterset_class = OrderFilter
    exported = Exported(
        money=("amount", "refunded_amount"), parts={"customer": ("id", "email", "user_id", "external_id")}
    )

    def get_queryset(self) -> QuerySet[Order]:
        return visible_orders(self.request)

    @extend_schema(request=serializers.PlaceOrderRequest, responses={201: serializers.PlacedOrderRow})
    def post(self, request: Request) -> Any:
        """Take the units, then have Stripe open the payment. Where Stripe doesn't, nothing stays taken."""
        wanted = serializers.PlaceOrderRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        order, payment = services.place_order(user=person(request), items=wanted.validated_data["items"])

        def answer(intent: Any) -> Response:
            context = {"client_secret": intent.client_secret}
            return Response(serializers.PlacedOrderRow(order, context=context).data, status=201)

        return call_out(request, *start_payment(payment, answer), lambda error: services.drop_order(order=order))


class OrderView(ApiView):
    """One order."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.OrderRow

    @extend_schema(responses=serializers.OrderRow)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(serializers.OrderRow(find_order(request, pk)).data)


class InvoiceView(ApiView):
    """The invoice of a paid order that was bought here, as a PDF. 404 until it is there, some seconds after the payment."""

    access = {"GET": SIGNED_IN}

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        invoice = find_order(request, pk).invoices.select_related("order").first()
        if invoice is None:
            raise NotFound()
        return invoice_file(invoice)


class CancelOrderView(ApiView):
    """Give an unpaid order up: its buyer, or staff. What it took goes back to stock."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.CancelRequest

    @extend_schema(responses=serializers.OrderRow)
    def post(self, request: Request, pk: UUID) -> Any:
        orders = access_of(request).narrow(Order.objects.all(), "order.update", by=BUYER, own=person(request).pk)
        order: Order | None = orders.filter(pk=pk).first()
        if order is None:
            raise NotFound()
        about: dict[str, Any] = {"actor": request.user, "reason": self.validated(request)["reason"]}
        if order.status not in Order.PAYABLE:
            raise Conflict("invalid_state", f"This order is {order.status.replace('_', ' ')}.")

        def finish(state: str) -> Response:
            cancelled = services.cancel_order(order=order, state=state, **about)
            return Response(serializers.OrderRow(cancelled).data)

        return call_out(request, call_off(services.open_payment_of(order)), finish)


class RefundView(ApiView):
    """Give money back, in part or whole. What Stripe was paid goes back at Stripe first; what a shop was paid is reported. The
    same again answers 200 with the same refund."""

    access = {"POST": REFUND}
    serializer_class = RefundRequest

    @extend_schema(responses={201: serializers.RefundRow, 200: serializers.RefundRow})
    def post(self, request: Request, pk: UUID) -> Any:
        rows = access_of(request).narrow(Order.objects.all(), *REFUND.keys, by=BUYER)
        order: Order | None = rows.filter(pk=pk).first()
        if order is None:
            raise NotFound()
        actor: Any = request.user
        wanted = self.validated(request)
        if order.source == Order.Source.CHECKOUT:
            return self._at_stripe(request, order, wanted, actor)
        refund, is_new = services.refund_order(order=order, **wanted, actor=actor)
        return Response(serializers.RefundRow(refund).data, status=201 if is_new else 200)

    def _at_stripe(self, request: Request, order: Order, wanted: dict[str, Any], actor: Any) -> Any:
        refund, is_new = services.ask_refund(order=order, actor=actor, **wanted)

        def answer() -> Response:
            made = services.find_refund(order=order, refund=refund)
            return Response(serializers.RefundRow(made).data, status=201 if is_new else 200)

        return call_out(request, *start_refund(refund, answer))


def visible_orders(request: Any) -> QuerySet[Order]:
    """All of the site's for staff with `order.read` and shops with `orders.write`, else the caller's own and those of the people
    they work for."""
    access, number = access_of(request), Invoice.objects.filter(order=OuterRef("pk")).values("number")
    orders = (
        Order.objects.select_related("customer").prefetch_related("lines").annotate(invoice_number=Subquery(number))
    )
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
