"""Shapes of the bonus API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.bonuses.models import Bonus, BonusRule
from apps.bonuses.services.applying import first_bid, first_deposit
from apps.core.api.fields import AmountField, IdField, StrictIntegerField
from apps.core.money import MAX_AMOUNT


class BonusRow(serializers.ModelSerializer[Bonus]):
    referrer_user_id = serializers.UUIDField(source="referrer_id")
    referred_user_id = serializers.UUIDField(source="referred_id")
    explain = serializers.JSONField(source="explained")

    class Meta:
        model = Bonus
        fields: tuple[str, ...] = (
            "id", "event_type", "source", "amount", "reversed_amount", "currency", "status", "approval_mode", "flagged_fraud",
            "fraud_notes", "reason", "referrer_user_id", "referred_user_id", "created_at", "credited_at", "explain",
        )  # fmt: skip
        read_only_fields = fields


class StaffBonusRow(BonusRow):
    approved_by = serializers.UUIDField(source="approved_by_id", allow_null=True)
    frozen_by = serializers.UUIDField(source="frozen_by_id", allow_null=True)
    event_ref = serializers.CharField(source="event.event_ref")

    class Meta(BonusRow.Meta):
        fields = (
            *BonusRow.Meta.fields, "approved_by", "frozen_by", "decided_at", "event_ref", "device_id", "ip_address",
        )  # fmt: skip
        read_only_fields = fields


class StaffHistory(serializers.Serializer[Any]):
    items = StaffBonusRow(many=True)
    total = serializers.IntegerField()


class _EventRequest(serializers.Serializer[Any]):
    """Valid, it is the FirstThing that happened."""

    user_id = IdField()
    device_id = serializers.CharField(max_length=128, required=False, default="", allow_blank=True)
    ip_address = serializers.IPAddressField(required=False, default="", allow_blank=True)


class FirstDepositRequest(_EventRequest):
    deposit_amount = AmountField(help_text="Minor units of the site's currency.")
    wallet_transaction_id = serializers.CharField(max_length=128)

    def validate(self, attrs: dict[str, Any]) -> Any:
        ref, amount = attrs.pop("wallet_transaction_id"), attrs.pop("deposit_amount")
        return first_deposit(ref=ref, amount=amount, **attrs)


class DepositRefundedRequest(serializers.Serializer[Any]):
    wallet_transaction_id = serializers.CharField(max_length=128, help_text="As the first deposit was reported.")
    refunded_amount = AmountField(help_text="Minor units that went back with this refund, not all so far.")
    refund_id = serializers.CharField(
        max_length=128, required=False, default="", allow_blank=True,
        help_text="Counts once. Needed where a deposit goes back in parts; without it, it is the deposit's own id.",
    )  # fmt: skip
    user_id = IdField(required=False, default=None, allow_null=True, help_text="Where ids repeat among people.")

    def validate(self, attrs: dict[str, Any]) -> Any:
        return {
            "deposit_ref": attrs["wallet_transaction_id"], "amount": attrs["refunded_amount"],
            "refund_ref": attrs["refund_id"], "user_id": attrs["user_id"],
        }  # fmt: skip


class FirstBidRequest(_EventRequest):
    bid_id = serializers.CharField(max_length=128)
    bid_amount = StrictIntegerField(
        required=False, default=0, min_value=0, max_value=MAX_AMOUNT, help_text="What a percentage is of."
    )

    def validate(self, attrs: dict[str, Any]) -> Any:
        return first_bid(ref=attrs.pop("bid_id"), amount=attrs.pop("bid_amount"), **attrs)


class AppliedAnswer(serializers.Serializer[Any]):
    applied = serializers.BooleanField()
    reason = serializers.CharField(required=False)
    bonus = BonusRow(required=False)


class StatusRequest(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["approved", "rejected", "credited"])
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class FreezeRequest(serializers.Serializer[Any]):
    frozen = serializers.BooleanField()
    fraud_notes = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class RuleValue(serializers.Field[Any, Any, Any, Any]):
    """A fraction string for percent, minor units for fixed: the service knows which."""

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, bool) or not isinstance(data, str | int):
            raise serializers.ValidationError('A fraction such as "0.05", or whole minor units.')
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class RuleRow(serializers.ModelSerializer[BonusRule]):
    value = serializers.JSONField()
    enabled = serializers.BooleanField(source="is_active")

    class Meta:
        model = BonusRule
        fields = ("type", "kind", "value", "min_deposit", "cap", "auto_credit", "enabled", "version", "created_at")
        read_only_fields = fields


class RuleRequest(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=BonusRule.Type.choices)
    kind = serializers.ChoiceField(choices=BonusRule.Kind.choices)
    value = RuleValue()
    min_deposit = StrictIntegerField(required=False, default=0, min_value=0, max_value=MAX_AMOUNT)
    cap = AmountField(required=False, allow_null=True, default=None)
    auto_credit = serializers.BooleanField()
    enabled = serializers.BooleanField(required=False, default=True, source="is_active")
