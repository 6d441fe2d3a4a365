"""Shapes of the broker account. Keys go in; what comes out is masked."""

from typing import Any

from rest_framework import serializers

from apps.brokers import selectors
from apps.brokers.models import BrokerAccount

PRINTABLE = r"^[\x21-\x7e]+\Z"


class BrokerAccountRequest(serializers.Serializer[Any]):
    broker_name = serializers.CharField(max_length=40)
    client_id = serializers.RegexField(r"^[A-Za-z0-9._-]+\Z", max_length=64)
    api_key = serializers.RegexField(PRINTABLE, max_length=1024)
    api_secret = serializers.RegexField(
        PRINTABLE, max_length=4096, required=False, allow_blank=True, allow_null=True, default=""
    )


class BrokerAccountRow(serializers.ModelSerializer[BrokerAccount]):
    api_key = serializers.SerializerMethodField()
    api_secret = serializers.SerializerMethodField()

    class Meta:
        model = BrokerAccount
        fields = (
            "broker_name", "client_id", "api_key", "api_secret", "status", "failure", "created_at", "saved_at", "checked_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_api_key(self, account: BrokerAccount) -> str:
        return selectors.masked(account, "api_key")

    def get_api_secret(self, account: BrokerAccount) -> str:
        return selectors.masked(account, "api_secret")
