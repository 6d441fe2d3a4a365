"""Shapes of notifications."""

from typing import Any

from rest_framework import serializers

from apps.notifications import words
from apps.notifications.models import Email, Kind, Notification


class NotificationRow(serializers.ModelSerializer[Notification]):
    """`title` and `text` are in the reader's language; `params` has the facts, amounts in minor units beside their currency."""

    title = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    is_read = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields = ("id", "kind", "title", "text", "params", "created_at", "read_at", "is_read")
        read_only_fields = fields

    def get_title(self, row: Notification) -> str:
        return self._said(row).title

    def get_text(self, row: Notification) -> str:
        return self._said(row).text

    def get_is_read(self, row: Notification) -> bool:
        return row.read_at is not None

    def _said(self, row: Notification) -> words.Said:
        request = self.context.get("request")
        return words.said(row.kind, row.params, words.language_of(request.user.locale if request else ""))


class WantedRow(serializers.Serializer[Any]):
    inbox = serializers.BooleanField()
    email = serializers.ChoiceField(choices=Email.choices)


class WantedChange(serializers.Serializer[Any]):
    inbox = serializers.BooleanField(required=False)
    email = serializers.ChoiceField(choices=Email.choices, required=False)


class Preferences(serializers.Serializer[Any]):
    """One entry for each kind. `security` always reaches people and can't be changed."""

    def get_fields(self) -> dict[str, Any]:
        return {str(kind): WantedRow() for kind in Kind.values}


class PreferencesChange(serializers.Serializer[Any]):
    """What is not named stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        return {str(kind): WantedChange(required=False) for kind in Kind.values}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {kind: dict(change) for kind, change in attrs.items()}


class ReadAll(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were unread.")
