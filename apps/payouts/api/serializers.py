"""Shapes of the payouts API."""

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import AmountField, IdField
from apps.core.tenancy import reading_across
from apps.payouts.models import (
    OwnMethod,
    Payout,
    PayoutBatch,
    PayoutBatchItem,
    PayoutMethod,
    PayoutResultFile,
    Reconciliation,
)


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


def _masked(method: PayoutMethod | None) -> dict[str, str] | None:
    return {"id": str(method.pk), "kind": method.kind, "label": method.label} if method is not None else None


class PayoutRow(serializers.ModelSerializer[Payout]):
    user = serializers.SerializerMethodField()
    method = serializers.SerializerMethodField()

    class Meta:
        model = Payout
        fields = (
            "id", "number", "status", "amount", "currency", "user", "method", "gateway", "reference", "provider_state",
            "reason", "created_at", "approved_at", "finished_at", "retry_of",
        )  # fmt: skip
        read_only_fields = fields

    def get_user(self, row: Payout) -> dict[str, str]:
        return {"id": str(row.user_id), "name": row.user.full_name}

    def get_method(self, row: Payout) -> dict[str, str] | None:
        return _masked(row.method)


class PayoutRequest(serializers.Serializer[Any]):
    amount = AmountField(required=False, allow_null=True, default=None)
    method_id = IdField(required=False, allow_null=True, default=None)


class RejectRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class ProcessRequest(serializers.Serializer[Any]):
    reference = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class ProposeRequest(serializers.Serializer[Any]):
    """`requests`: all approved payouts. `available`: what everybody has earned, from the site's minimum on."""

    requests = serializers.BooleanField(required=False, default=True)
    available = serializers.BooleanField(required=False, default=False)


class ApproveBatchRequest(serializers.Serializer[Any]):
    """`seen` is the `digest` of the batch that was looked at."""

    seen = serializers.CharField(max_length=64)


class ResultsRequest(serializers.Serializer[Any]):
    """`file` is the text of a CSV with the columns ref, status (paid or failed), reference, reason."""

    file = serializers.CharField(max_length=1_000_000, trim_whitespace=False)


class ResultsBooked(serializers.Serializer[Any]):
    paid = serializers.IntegerField()
    failed = serializers.IntegerField()
    known = serializers.IntegerField()


class ResultFileRow(serializers.ModelSerializer[PayoutResultFile]):
    """A long file on its way: of `rows`, so many are booked (`paid`, `failed`), were `known` before, or were `refused` since they
    were decided otherwise after the file was read."""

    class Meta:
        model = PayoutResultFile
        fields = ("id", "status", "rows", "paid", "failed", "known", "refused", "created_at", "finished_at")
        read_only_fields = fields


class Person(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField(source="full_name")


class PayoutBatchRow(serializers.ModelSerializer[PayoutBatch]):
    """`count` and `amount` are what would be paid, `left_out` how many would not."""

    number = serializers.CharField(source="__str__", read_only=True)
    requests = serializers.BooleanField(source="with_requests", read_only=True)
    available = serializers.BooleanField(source="with_available", read_only=True)
    created_by = Person(read_only=True, allow_null=True)
    approved_by = Person(read_only=True, allow_null=True)

    class Meta:
        model = PayoutBatch
        fields = (
            "id", "number", "status", "requests", "available", "due_on", "count", "amount", "currency", "left_out", "digest",
            "created_by", "created_at", "approved_by", "approved_at", "sent_at", "closed_at",
        )  # fmt: skip
        read_only_fields = fields


class BatchTotal(serializers.Serializer[Any]):
    """Of those in one state by one gateway; `code` says why not, `payout` how far their payouts are."""

    gateway = serializers.CharField()
    status = serializers.CharField()
    code = serializers.CharField()
    payout = serializers.CharField()
    count = serializers.IntegerField()
    amount = serializers.IntegerField()


class PayoutBatchDetail(PayoutBatchRow):
    """`results` are the last ten long files of what the bank says of it."""

    totals = BatchTotal(many=True, read_only=True)
    results = ResultFileRow(many=True, read_only=True)

    class Meta(PayoutBatchRow.Meta):
        fields = (*PayoutBatchRow.Meta.fields, "totals", "results")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class PayoutBatchItemRow(serializers.ModelSerializer[PayoutBatchItem]):
    """`code`: below_minimum, cooldown, partner_frozen, under_review, no_method, method_rests, method_not_ready, negative_balance,
    payout_in_progress, not_approved, own_payout, four_eyes, gateway_unavailable, insufficient_balance, invalid_state. `owed` is
    netted already."""

    user = Person(read_only=True)
    method = serializers.SerializerMethodField()
    payout = serializers.SerializerMethodField()
    currency = serializers.CharField(source="batch.currency", read_only=True)

    class Meta:
        model = PayoutBatchItem
        fields = ("id", "user", "status", "code", "gateway", "amount", "owed", "currency", "method", "payout")
        read_only_fields = fields

    def get_method(self, row: PayoutBatchItem) -> dict[str, str] | None:
        return None if reading_across() else _masked(row.method)  # where each is paid to isn't read across sites

    def get_payout(self, row: PayoutBatchItem) -> dict[str, str] | None:
        paid = row.payout
        return {"id": str(paid.pk), "status": paid.status, "reference": paid.reference} if paid else None


class DifferenceRow(serializers.Serializer[Any]):
    """`kind`: missing_there, missing_here, twice, amount, state, unreachable. `key` is the payout's id, amounts minor units."""

    gateway = serializers.CharField()
    kind = serializers.CharField()
    key = serializers.CharField(allow_blank=True)
    provider_id = serializers.CharField(allow_blank=True)
    ours = serializers.CharField(allow_blank=True)
    theirs = serializers.CharField(allow_blank=True)
    our_amount = serializers.IntegerField(allow_null=True)
    their_amount = serializers.IntegerField(allow_null=True)


class ReconciliationRow(serializers.ModelSerializer[Reconciliation]):
    ran_by = Person(read_only=True, allow_null=True)
    differences = DifferenceRow(many=True, read_only=True)

    class Meta:
        model = Reconciliation
        fields = ("id", "ran_at", "ran_by", "since", "compared", "count", "differences")
        read_only_fields = fields


class ReconcileRequest(serializers.Serializer[Any]):
    """`days` back from now."""

    days = serializers.IntegerField(min_value=1, max_value=366, required=False, default=35)
