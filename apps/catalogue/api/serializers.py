"""Shapes of the catalogue. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.catalogue.models import SERVICE_PERIODS, Product
from apps.core.api.fields import AmountField, StrictIntegerField


class ProductRow(serializers.Serializer[Any]):
    """What is on sale. `tokens` of one unit, `inventory` null where there is no end of it."""

    id = serializers.UUIDField()
    sku = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField()
    price = serializers.IntegerField()
    currency = serializers.CharField()
    inventory = serializers.IntegerField(allow_null=True)
    tokens = serializers.CharField(allow_null=True)
    period = serializers.ChoiceField(choices=SERVICE_PERIODS, allow_null=True)


class Shelf(serializers.Serializer[Any]):
    results = ProductRow(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class StaffProductRow(serializers.ModelSerializer[Product]):
    class Meta:
        model = Product
        fields = (
            "id", "sku", "name", "description", "category", "price", "inventory", "tokens", "period", "is_active", "position",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


class ProductFields(serializers.Serializer[Any]):
    """What may change of a product at any time."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    category = serializers.RegexField(r"^[A-Za-z0-9][A-Za-z0-9 _.:/-]*$", max_length=64)
    price = AmountField(help_text="Of one unit, minor units.")
    tokens = serializers.DecimalField(max_digits=38, decimal_places=18, required=False, allow_null=True)
    period = serializers.ChoiceField(choices=Product.Period.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    position = StrictIntegerField(min_value=0, max_value=1_000_000, required=False)


class ProductRequest(ProductFields):
    sku = serializers.RegexField(r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$", max_length=64)
    inventory = StrictIntegerField(min_value=0, max_value=10**12, required=False, allow_null=True)


class ProductChange(ProductFields):
    """`units` raises or lowers what is left, with a `reason`; the sku and the number itself never change by hand."""

    units = StrictIntegerField(min_value=-(10**12), max_value=10**12, required=False)
    reason = serializers.CharField(max_length=500, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "units" in attrs and not attrs.get("reason"):
            raise serializers.ValidationError({"reason": "Say why the units change."})
        return attrs
