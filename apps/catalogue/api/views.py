"""The shop window, and how staff fill it (spec: api.md, Orders, payments, tokens)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalogue import services, shelf
from apps.catalogue.api import serializers
from apps.catalogue.models import Product
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.rbac.access import PUBLIC, requires


class ProductsView(ApiView):
    """What this site sells, for everybody to see. One page: a catalogue is short."""

    access = {"GET": PUBLIC}
    serializer_class = serializers.ProductRow

    @extend_schema(responses=serializers.Shelf)
    def get(self, request: Request) -> Response:
        return Response({"results": self.shown(shelf.products()), "next": None, "previous": None})

    @staticmethod
    def shown(products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return products


class TiersView(ProductsView):
    """Those that come with tokens."""

    @staticmethod
    def shown(products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [product for product in products if product["tokens"] is not None]


class StaffProductsView(ListView):
    """All products, on sale or not."""

    access = {"GET": requires("order.read"), "POST": requires("order.create")}
    serializer_class = serializers.StaffProductRow
    exported = Exported(money=("price",))

    def get_queryset(self) -> QuerySet[Product]:
        return Product.objects.order_by("-id")

    @extend_schema(request=serializers.ProductRequest, responses={201: serializers.StaffProductRow})
    def post(self, request: Request) -> Response:
        wanted = serializers.ProductRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        actor: Any = request.user
        product = services.create_product(values=wanted.validated_data, actor=actor)
        return Response(serializers.StaffProductRow(product).data, status=201)


class StaffProductView(ApiView):
    """Change one: its price from the next order on, on sale or not, more or fewer units."""

    access = {"PATCH": requires("order.update")}
    serializer_class = serializers.ProductChange

    @extend_schema(responses=serializers.StaffProductRow)
    def patch(self, request: Request, pk: UUID) -> Response:
        product = Product.objects.filter(pk=pk).first()
        if product is None:
            raise NotFound()
        change = serializers.ProductChange(data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        actor: Any = request.user
        data = dict(change.validated_data)
        units, reason = data.pop("units", None), data.pop("reason", "")
        product = services.update_product(product=product, changes=data, actor=actor)
        if units is not None:
            product = services.change_units(product=product, by=units, reason=reason, actor=actor)
        return Response(serializers.StaffProductRow(product).data)
