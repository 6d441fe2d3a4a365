"""Shapes of signals, reviews and their settings."""

from typing import Any

from rest_framework import serializers

from apps.fraud.models import FraudSettings, Kind, Review, Signal
from apps.fraud.models.reviews import MOST_POINTS
from apps.fraud.services.settling import FIELDS


class SignalRow(serializers.ModelSerializer[Signal]):
    partner_id = serializers.UUIDField()
    partner_name = serializers.CharField(source="partner.user.full_name")
    other_partner_id = serializers.UUIDField(source="other_id", allow_null=True)
    review_id = serializers.UUIDField(allow_null=True, help_text="The decided review that it was part of.")
    counts = serializers.BooleanField(help_text="Is it part of the partner's score?")

    class Meta:
        model = Signal
        fields: tuple[str, ...] = (
            "id", "partner_id", "partner_name", "kind", "points", "words", "other_partner_id", "count", "first_seen",
            "last_seen", "counts", "review_id", "expired_at",
        )  # fmt: skip
        read_only_fields = fields


class ReviewRow(serializers.ModelSerializer[Review]):
    partner_id = serializers.UUIDField()
    partner_name = serializers.CharField(source="partner.user.full_name")
    freeze_id = serializers.UUIDField(allow_null=True)
    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)

    class Meta:
        model = Review
        fields: tuple[str, ...] = (
            "id", "partner_id", "partner_name", "status", "level", "score", "freeze_id", "created_at", "decided_by",
            "decided_at", "reason",
        )  # fmt: skip
        read_only_fields = fields


class Thresholds(serializers.Serializer[Any]):
    note = serializers.IntegerField(source="note_at")
    hold = serializers.IntegerField(source="hold_at")
    freeze = serializers.IntegerField(source="freeze_at")


class ReviewDetail(ReviewRow):
    """The score with its reasons, the heaviest first."""

    signals = SignalRow(many=True, source="its_signals")
    thresholds = Thresholds()
    digest = serializers.CharField(help_text="Send it as `seen`, so that nothing is decided that was not looked at.")

    class Meta(ReviewRow.Meta):
        fields = (*ReviewRow.Meta.fields, "signals", "thresholds", "digest")
        read_only_fields = fields


class ClearRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)
    seen = serializers.CharField(
        max_length=32, required=False, default="", allow_blank=True,
        help_text="`digest` of the review that was looked at.",
    )  # fmt: skip


class ConfirmRequest(ClearRequest):
    also = serializers.ListField(
        child=serializers.UUIDField(), max_length=200, required=False, default=list,
        help_text="Partners of the radius to freeze along.",
    )  # fmt: skip


def _count(least: int, most: int) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=least, max_value=most, required=False)


class SettingsChange(serializers.Serializer[Any]):
    """What is left out stays as it is. note_at ≤ hold_at ≤ freeze_at."""

    note_at = _count(1, 1_000_000)
    hold_at = _count(1, 1_000_000)
    freeze_at = _count(1, 1_000_000)
    points = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=MOST_POINTS), required=False,
        help_text=f"By kind: {', '.join(Kind.values)}. 0 switches a kind off.",
    )  # fmt: skip
    burst_signups = _count(2, 200)
    burst_minutes = _count(1, 1440)
    fast_seconds = _count(1, 600)
    address_accounts = _count(2, 200)
    network_accounts = _count(2, 200)
    address_hours = _count(1, 720)
    disposable_domains = serializers.ListField(
        child=serializers.CharField(max_length=253), max_length=500, required=False
    )
    retention_days = _count(1, 3650)


class SettingsRow(serializers.ModelSerializer[FraudSettings]):
    points = serializers.DictField(child=serializers.IntegerField(), source="all_points")
    disposable_domains = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = FraudSettings
        fields = FIELDS
        read_only_fields = FIELDS
