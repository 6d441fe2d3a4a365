"""Shapes of the payouts API."""

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import AmountField, IdField
from apps.payouts.models import OwnMethod, Payout, PayoutMethod


class MethodRow(serializers.ModelSerializer[OwnMethod]):
    """`details` holds the masked label only: what was saved never leaves. `state` is `ready`, `rests` (until `ready_at`), or what
    Stripe says of a `stripe_connect` one: `onboarding`, `review`, `restricted`, `gone`."""

    details = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=OwnMethod.State.choices)
    ready_at = serializers.DateTimeField()

    class Meta:
        model = OwnMethod
        fields: tuple[str, ...] = ("id", "kind", "label", "details", "state", "ready_at", "created_at")
        read_only_fields: tuple[str, ...] = fields

    def get_details(self, row: OwnMethod) -> dict[str, str]:
        return {"masked": row.label}


class MethodMade(MethodRow):
    """`onboarding_url` is Stripe's page to go on at, good once and for a few minutes; null for what needs none."""

    onboarding_url = serializers.SerializerMethodField()

    class Meta(MethodRow.Meta):
        fields = (*MethodRow.Meta.fields, "onboarding_url")
        read_only_fields = fields

    def get_onboarding_url(self, row: OwnMethod) -> str | None:
        url: str = self.context.get("onboarding_url", "")
        return url or None


class MethodRequest(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=PayoutMethod.Kind.choices)
    details = serializers.DictField(required=False, default=dict)


class PayoutRow(serializers.ModelSerializer[Payout]):
    user = serializers.SerializerMethodField()
    method = serializers.SerializerMethodField()

    class Meta:
        model = Payout
        fields = (
            "id", "number", "status", "amount", "currency", "user", "method", "gateway", "reference", "provider_state",
            "reason", "created_at", "approved_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_user(self, row: Payout) -> dict[str, str]:
        return {"id": str(row.user_id), "name": row.user.full_name}

    def get_method(self, row: Payout) -> dict[str, str] | None:
        return {"id": str(row.method.pk), "kind": row.method.kind, "label": row.method.label} if row.method else None


class PayoutRequest(serializers.Serializer[Any]):
    amount = AmountField(required=False, allow_null=True, default=None)
    method_id = IdField(required=False, allow_null=True, default=None)


class RejectRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class ProcessRequest(serializers.Serializer[Any]):
    reference = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
