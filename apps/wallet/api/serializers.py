"""Shapes of the wallet API."""

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import AmountField, IdField
from apps.wallet.models import Deposit, Posting


class LedgerRow(serializers.ModelSerializer[Posting]):
    """One posting on a pocket of the caller."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField(source="entry.created_at")
    kind = serializers.CharField(source="entry.kind")
    pocket = serializers.CharField(source="account.kind")
    balance_after = serializers.IntegerField(read_only=True)
    ref_type = serializers.CharField(source="entry.ref_type")
    ref_id = serializers.CharField(source="entry.ref_id")
    meta = serializers.JSONField(source="entry.meta")

    class Meta:
        model = Posting
        fields = (
            "id", "created_at", "kind", "pocket", "amount", "currency", "balance_after", "ref_type", "ref_id", "meta",
        )  # fmt: skip


class TransferRequest(serializers.Serializer[Any]):
    to = serializers.ChoiceField(choices=["funds"])
    amount = AmountField()

    def get_fields(self) -> dict[str, Any]:
        """`from` is a keyword in Python and a field in the contract."""
        return {"from": serializers.ChoiceField(choices=["earnings"]), **super().get_fields()}


class CreditRequest(serializers.Serializer[Any]):
    user_id = IdField()
    amount = AmountField()
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    ref_type = serializers.RegexField(r"^[a-z][a-z0-9_]{0,31}$")
    ref_id = serializers.CharField(max_length=100)
    meta = serializers.DictField(required=False, default=dict)


class CreditRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    ref_type = serializers.CharField()
    ref_id = serializers.CharField()
    created_at = serializers.DateTimeField()


class DepositRequest(serializers.Serializer[Any]):
    amount = AmountField(help_text="Minor units of the site's currency.")
    device_id = serializers.CharField(max_length=128, required=False, default="", allow_blank=True)


class DepositRow(serializers.ModelSerializer[Deposit]):
    user_id = serializers.UUIDField()

    class Meta:
        model = Deposit
        fields: tuple[str, ...] = (
            "id", "user_id", "status", "amount", "currency", "refunded_amount", "created_at", "paid_at",
        )  # fmt: skip


class OpenedDepositRow(DepositRow):
    """A new one, with what its payer's browser needs to pay it."""

    client_secret = serializers.SerializerMethodField()

    class Meta(DepositRow.Meta):
        fields = (*DepositRow.Meta.fields, "client_secret")

    def get_client_secret(self, deposit: Deposit) -> str:
        return str(self.context["client_secret"])
