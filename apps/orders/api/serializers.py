"""Shapes of the orders API. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.catalogue.models import SERVICE_PERIODS
from apps.core.api.fields import AmountField, IdField, StrictIntegerField
from apps.orders.models import Invoice, Order, OrderLine, Refund, Service
from apps.orders.services import ExternalOrder, Item, ReportedLine
from apps.orders.services.customers import CustomerIds
from apps.orders.services.placing import MAX_QUANTITY

MAX_LINES = 100


class CustomerRequest(serializers.Serializer[Any]):
    """At least one of the three."""

    email = serializers.EmailField(max_length=254, required=False, allow_null=True)
    user_id = IdField(required=False, allow_null=True)
    external_id = serializers.CharField(max_length=128, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> CustomerIds:
        ids = CustomerIds(
            user_id=attrs.get("user_id"),
            external_id=attrs.get("external_id"),
            email=(attrs.get("email") or "").strip().lower(),
        )
        if not (ids.user_id or ids.external_id or ids.email):
            raise serializers.ValidationError("Name the customer by email, user_id or external_id.")
        return ids


class LineRequest(serializers.Serializer[Any]):
    category = serializers.RegexField(r"^[A-Za-z0-9][A-Za-z0-9 _.:/-]*$", max_length=64)
    sku = serializers.CharField(max_length=64, required=False, default="", allow_blank=True)
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, required=False, default=1)
    amount = AmountField(help_text="The line's total, minor units.")
    period = serializers.ChoiceField(
        choices=SERVICE_PERIODS, required=False, help_text="It is a service of the buyer's from now on, for so long."
    )
    renews = IdField(required=False, help_text="The buyer's service that this pays for once more.")

    def validate(self, attrs: dict[str, Any]) -> ReportedLine:
        return ReportedLine(**attrs)


class ExternalOrderRequest(serializers.Serializer[Any]):
    external_id = serializers.CharField(max_length=128)
    customer = CustomerRequest()
    click_id = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    referral_code = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    currency = serializers.CharField(max_length=3)
    paid_at = serializers.DateTimeField(required=False, allow_null=True)
    lines = serializers.ListField(child=LineRequest(), min_length=1, max_length=MAX_LINES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        report = ExternalOrder(
            external_id=attrs["external_id"],
            customer=attrs["customer"],
            currency=attrs["currency"],
            lines=tuple(attrs["lines"]),
            click_id=attrs.get("click_id") or "",
            referral_code=(attrs.get("referral_code") or "").strip().upper(),
            paid_at=attrs.get("paid_at"),
        )
        return {"report": report}


class ItemRequest(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=64)
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, required=False, default=1)
    renews = IdField(required=False, allow_null=True, help_text="A service of mine to pay for once more.")

    def validate(self, attrs: dict[str, Any]) -> Item:
        return Item(sku=attrs["sku"], quantity=attrs["quantity"], renews=attrs.get("renews"))


class PlaceOrderRequest(serializers.Serializer[Any]):
    """Prices are the catalogue's; the buyer is the caller."""

    items = serializers.ListField(child=ItemRequest(), min_length=1, max_length=MAX_LINES)


class CustomerRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.CharField()
    user_id = serializers.UUIDField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)


class LineRow(serializers.ModelSerializer[OrderLine]):
    class Meta:
        model = OrderLine
        fields = (
            "id", "category", "sku", "name", "quantity", "amount", "refunded_amount", "tokens", "period", "renews_id", "cycle",
        )  # fmt: skip
        read_only_fields = fields


class OrderRow(serializers.ModelSerializer[Order]):
    customer = CustomerRow()
    lines = LineRow(many=True)
    invoice = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = (
            "id", "external_id", "source", "status", "amount", "refunded_amount", "currency", "customer", "lines", "created_at",
            "expires_at", "paid_at", "recorded_at", "commissioned_at", "disputed_at", "invoice",
        )  # fmt: skip
        read_only_fields = fields

    def get_invoice(self, order: Order) -> str | None:
        """Its number, once there is one; `/orders/{id}/invoice` is the PDF."""
        number = getattr(order, "invoice_number", None)  # not read of one that was just placed, reported or cancelled
        return Invoice.shown(number) if number is not None else None


class PlacedOrderRow(OrderRow):
    """With what the card form needs, shown to the buyer alone."""

    client_secret = serializers.SerializerMethodField()

    class Meta(OrderRow.Meta):
        fields: Any = (*OrderRow.Meta.fields, "client_secret")
        read_only_fields = fields

    def get_client_secret(self, order: Order) -> str:
        return str(self.context.get("client_secret", ""))


class SubscribeRequest(serializers.Serializer[Any]):
    path = serializers.ChoiceField(choices=["paid", "purchase"])


class OpenedPayment(serializers.Serializer[Any]):
    client_secret = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()


class SubscribeAnswer(serializers.Serializer[Any]):
    status = serializers.CharField()
    payment = OpenedPayment(required=False)
    order_id = serializers.UUIDField(required=False)


class OwnedServiceRow(serializers.ModelSerializer[Service]):
    order_id = serializers.UUIDField(source="line.order_id")
    customer = CustomerRow()

    class Meta:
        model = Service
        fields = (
            "id", "name", "sku", "category", "quantity", "period", "status", "cycles", "started_at", "ends_at", "cancelled_at",
            "order_id", "customer",
        )  # fmt: skip
        read_only_fields = fields


class CancelRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class RefundLineRow(serializers.Serializer[Any]):
    line_id = serializers.UUIDField()
    amount = serializers.IntegerField()


class RefundRow(serializers.ModelSerializer[Refund]):
    order_id = serializers.UUIDField()
    order_status = serializers.CharField(source="order.status")
    currency = serializers.CharField(source="order.currency")
    lines = RefundLineRow(many=True)

    class Meta:
        model = Refund
        fields = (
            "id",
            "order_id",
            "external_id",
            "amount",
            "currency",
            "reason",
            "order_status",
            "lines",
            "created_at",
        )
        read_only_fields = fields
