"""Shapes of the commissions API. Rules are the services'."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.commissions import engine
from apps.commissions.models import Commission, CommissionOutcome, PartnerOverride, PlanRule, PlanVersion
from apps.core import money
from apps.core.api.fields import IdField

MOST = 10**15
"""Beyond any amount of money, and well within a bigint."""


@extend_schema_field({"oneOf": [{"type": "string", "pattern": r"^[01](\.[0-9]{1,8})?$"}, {"type": "integer"}]})
class RuleValue(serializers.Field):
    """ "0.10" for percent, minor units for each unit for flat. Which of them is right, the rule's kind says."""

    default_error_messages = {"invalid": "A fraction as text for percent, whole minor units for flat."}

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, str) or (isinstance(data, int) and not isinstance(data, bool)):
            return data
        self.fail("invalid")
        raise AssertionError

    def to_representation(self, value: str | int) -> str | int:
        return value


class CommissionRule(serializers.Serializer[Any]):
    category = serializers.CharField(max_length=64)
    level = serializers.IntegerField(min_value=1, max_value=engine.MAX_DEPTH)
    kind = serializers.ChoiceField(choices=PlanRule.Kind.choices)
    value = RuleValue()
    cap = serializers.IntegerField(min_value=0, max_value=MOST, required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> engine.Rule:
        kind, value = engine.Kind(attrs["kind"]), attrs["value"]
        return engine.Rule(attrs["category"], attrs["level"], kind, self._value(kind, value), attrs["cap"])

    @staticmethod
    def _value(kind: engine.Kind, value: str | int) -> Decimal | int:
        if kind == engine.Kind.PERCENT:
            try:
                return money.parse_rate(value)  # type: ignore[arg-type]
            except ValueError as error:
                raise serializers.ValidationError({"value": str(error)}) from error
        if isinstance(value, str) or not 0 <= value <= engine.MAX_FLAT:
            message = f"A flat amount is whole minor units from 0 to {engine.MAX_FLAT}."
            raise serializers.ValidationError({"value": message})
        return value


class PlanRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    depth = serializers.IntegerField(min_value=1, max_value=engine.MAX_DEPTH)
    base = serializers.ChoiceField(choices=PlanVersion.Base.choices, default=PlanVersion.Base.ORDER)
    compression = serializers.ChoiceField(choices=PlanVersion.Compression.choices, default=PlanVersion.Compression.NONE)
    approval = serializers.ChoiceField(choices=PlanVersion.Approval.choices, default=PlanVersion.Approval.MANUAL)
    hold_days = serializers.IntegerField(min_value=0, max_value=3650, default=0)
    minimum = serializers.IntegerField(min_value=0, max_value=MOST, default=0)
    recurring = serializers.IntegerField(
        min_value=1, max_value=1200, allow_null=True, default=None,
        help_text="How many payments for one service pay commission: 1 is the first only, null every one.",
    )  # fmt: skip
    rules = serializers.ListField(child=CommissionRule(), max_length=2000)


class PlanChange(PlanRequest):
    """What of a plan is to be different. Not DRF's `partial`, which would let a rule lack its fields too."""

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        for found in fields.values():
            found.required, found.default = False, serializers.empty
        return fields


class PlanRow(serializers.ModelSerializer[PlanVersion]):
    """A version of a plan. `id` is the plan's, the same for all its versions."""

    id = serializers.UUIDField(source="plan_id")
    rules = serializers.SerializerMethodField()

    class Meta:
        model = PlanVersion
        fields = (
            "id", "version", "status", "name", "depth", "base", "compression", "approval", "hold_days", "minimum",
            "recurring", "currency", "rules", "created_at", "published_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(CommissionRule(many=True))
    def get_rules(self, version: PlanVersion) -> list[dict[str, Any]]:
        return [rule_row(rule) for rule in version.rules.all()]


class OverridesRequest(serializers.Serializer[Any]):
    rules = serializers.ListField(child=CommissionRule(), max_length=500)


class OverridesRow(serializers.Serializer[Any]):
    partner_id = serializers.UUIDField()
    rules = CommissionRule(many=True)


def rule_row(rule: PlanRule | PartnerOverride) -> dict[str, Any]:
    return {
        "category": rule.category,
        "level": rule.level,
        "kind": rule.kind,
        "value": rule.value,
        "cap": rule.cap,
    }


class CommissionPerson(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()


class CommissionRow(serializers.ModelSerializer[Commission]):
    rate = serializers.SerializerMethodField()
    plan_id = serializers.UUIDField(source="version.plan_id")
    plan_version = serializers.IntegerField(source="version.version")
    source_user = serializers.SerializerMethodField()

    class Meta:
        model = Commission
        fields = (
            "id", "kind", "order_id", "line_id", "partner_id", "level", "category", "base_amount", "rate", "flat_amount",
            "original_amount", "reversed_amount", "amount", "currency", "status", "hold_until", "earned_at", "created_at",
            "approved_at", "paid_at", "closed_at", "rejected_reason", "plan_id", "plan_version", "override", "source_user",
            "clawback_of",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_rate(self, commission: Commission) -> str | None:
        return money.rate_text(commission.rate) if commission.rate is not None else None

    @extend_schema_field(CommissionPerson(allow_null=True))
    def get_source_user(self, commission: Commission) -> dict[str, Any] | None:
        buyer = commission.source_user
        return {"id": buyer.pk, "name": buyer.full_name} if buyer else None


class CommissionBucket(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    amount = serializers.IntegerField()


class CommissionStats(serializers.Serializer[Any]):
    pending = CommissionBucket()
    approved = CommissionBucket()
    paid = CommissionBucket()
    rejected = CommissionBucket()
    reversed = CommissionBucket()
    currency = serializers.CharField()


class CommissionRejection(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class CommissionApproval(serializers.Serializer[Any]):
    ids = serializers.ListField(child=IdField(), min_length=1, max_length=1000)


class CommissionRefused(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()


class CommissionsDecided(serializers.Serializer[Any]):
    approved = serializers.ListField(child=serializers.UUIDField())
    refused = CommissionRefused(many=True)


class OutcomeRow(serializers.Serializer[Any]):
    """A level of a line: the commission it pays, or the reason why it pays nothing."""

    line_id = serializers.UUIDField()
    category = serializers.CharField()
    level = serializers.IntegerField()
    partner = CommissionPerson(allow_null=True)
    commission_id = serializers.UUIDField(allow_null=True)
    amount = serializers.IntegerField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    reason = serializers.ChoiceField(choices=CommissionOutcome.Reason.choices, allow_null=True)
    plan_version = serializers.IntegerField(allow_null=True)


class OutcomesRow(serializers.Serializer[Any]):
    order_id = serializers.UUIDField()
    commissioned_at = serializers.DateTimeField(allow_null=True)
    results = OutcomeRow(many=True)


class ExplainedLine(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    category = serializers.CharField()
    quantity = serializers.IntegerField()
    amount = serializers.IntegerField()


class ExplainedPlan(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    base = serializers.CharField()
    compression = serializers.CharField()


class ExplainedStep(serializers.Serializer[Any]):
    partner_id = serializers.UUIDField()
    level = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.CharField()
    skipped = serializers.BooleanField()


class ExplainedRefund(serializers.Serializer[Any]):
    before = serializers.IntegerField()
    after = serializers.IntegerField()


class Explanation(serializers.Serializer[Any]):
    """All a commission's amount follows from (X1)."""

    commission_id = serializers.UUIDField()
    kind = serializers.CharField()
    clawback_of = serializers.UUIDField(allow_null=True)
    line = ExplainedLine()
    plan = ExplainedPlan()
    rule = CommissionRule()
    override = serializers.BooleanField()
    base_amount = serializers.IntegerField()
    rate = serializers.CharField(allow_null=True)
    flat_amount = serializers.IntegerField(allow_null=True)
    exact = serializers.CharField()
    rounding = serializers.CharField()
    capped = serializers.BooleanField()
    amount = serializers.IntegerField()
    refund = ExplainedRefund(allow_null=True)
    reversed_amount = serializers.IntegerField()
    current_amount = serializers.IntegerField()
    currency = serializers.CharField()
    path = ExplainedStep(many=True)
    as_of = serializers.DateTimeField()
