"""Shapes of the orders API. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import AmountField, StrictIntegerField
from apps.orders.models import Order, OrderLine, Refund
from apps.orders.services import ExternalOrder, ReportedLine
from apps.orders.services.customers import CustomerIds

MAX_QUANTITY = 1_000_000
MAX_LINES = 100


class CustomerRequest(serializers.Serializer[Any]):
    """At least one of the three."""

    email = serializers.EmailField(max_length=254, required=False, allow_null=True)
    user_id = serializers.UUIDField(required=False, allow_null=True)
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


class CustomerRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.CharField()
    user_id = serializers.UUIDField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)


class LineRow(serializers.ModelSerializer[OrderLine]):
    class Meta:
        model = OrderLine
        fields = ("id", "category", "sku", "name", "quantity", "amount", "refunded_amount")
        read_only_fields = fields


class OrderRow(serializers.ModelSerializer[Order]):
    customer = CustomerRow()
    lines = LineRow(many=True)

    class Meta:
        model = Order
        fields = (
            "id", "external_id", "status", "amount", "refunded_amount", "currency", "customer", "lines", "created_at",
            "paid_at", "recorded_at", "commissioned_at",
        )  # fmt: skip
        read_only_fields = fields


class RefundRequest(serializers.Serializer[Any]):
    external_id = serializers.CharField(max_length=128)
    amount = AmountField(required=False, allow_null=True, help_text="Minor units; all that is left without it.")
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
