"""Shapes of freezes."""

from typing import Any

from rest_framework import serializers

from apps.fraud.models import Freeze, FreezeItem


class FreezeRequest(serializers.Serializer[Any]):
    partner_id = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, required=False, default="")
    preview = serializers.BooleanField(required=False, default=False)
    also = serializers.ListField(child=serializers.UUIDField(), max_length=200, required=False, default=list)
    seen = serializers.CharField(
        max_length=32,
        required=False,
        default="",
        allow_blank=True,
        help_text="`digest` of the preview that was looked at.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["preview"] and not attrs["reason"]:
            raise serializers.ValidationError({"reason": "Say why."})
        return attrs


class LiftRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class Total(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=FreezeItem.Kind.choices)
    effect = serializers.ChoiceField(choices=FreezeItem.Effect.choices)
    count = serializers.IntegerField()
    amount = serializers.IntegerField(allow_null=True, help_text="Minor units.")
    currency = serializers.CharField()
    tokens = serializers.CharField(allow_null=True)


class RadiusItem(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=FreezeItem.Kind.choices)
    id = serializers.UUIDField(source="pk")
    partner_id = serializers.UUIDField(source="partner.pk")
    name = serializers.CharField()
    effect = serializers.ChoiceField(choices=FreezeItem.Effect.choices)
    state = serializers.CharField()
    amount = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()


class SharedRow(serializers.Serializer[Any]):
    partner_id = serializers.UUIDField(source="partner.pk")
    name = serializers.CharField(source="partner.user.full_name")
    reasons = serializers.ListField(child=serializers.CharField())


class RadiusAnswer(serializers.Serializer[Any]):
    partner_id = serializers.UUIDField(source="partner.pk")
    totals = Total(many=True)
    items = RadiusItem(many=True)
    shared = SharedRow(many=True)
    digest = serializers.CharField()


class FreezeRow(serializers.ModelSerializer[Freeze]):
    partner_id = serializers.UUIDField()
    partner_name = serializers.CharField(source="partner.user.full_name")
    created_by = serializers.UUIDField(source="created_by_id", allow_null=True)
    lifted_by = serializers.UUIDField(source="lifted_by_id", allow_null=True)
    touched = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Of a lifted one: what somebody else had decided about meanwhile.")

    class Meta:
        model = Freeze
        fields: tuple[str, ...] = (
            "id", "partner_id", "partner_name", "status", "reason", "created_by", "created_at", "lifted_by", "lifted_at",
            "lift_reason", "touched", "left",
        )  # fmt: skip
        read_only_fields = fields


class ItemRow(serializers.ModelSerializer[FreezeItem]):
    partner_id = serializers.UUIDField()

    class Meta:
        model = FreezeItem
        fields = (
            "kind", "object_id", "partner_id", "name", "effect", "state_before", "amount", "currency", "outcome",
        )  # fmt: skip
        read_only_fields = fields


class FreezeDetail(FreezeRow):
    items = ItemRow(many=True)

    class Meta(FreezeRow.Meta):
        fields = (*FreezeRow.Meta.fields, "items")
        read_only_fields = fields
