"""Shapes that the apps which sell share. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import AmountField


class RefundRequest(serializers.Serializer[Any]):
    external_id = serializers.CharField(max_length=128)
    amount = AmountField(required=False, allow_null=True, help_text="Minor units; all that is left without it.")
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
