"""Shapes of the accounts API. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.accounts.models import ApiKey

PASSWORD_MAX = 128  # argon2 is slow on purpose; a megabyte of password would be slow for us


class TokenRequest(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    otp = serializers.CharField(max_length=10, required=False, allow_blank=True)


class TokenPair(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshRequest(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=2000)


class PasswordChange(serializers.Serializer[Any]):
    old_password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    new_password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class PasswordReset(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


class PasswordResetConfirm(serializers.Serializer[Any]):
    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=128)
    new_password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class ApiKeyRow(serializers.ModelSerializer[ApiKey]):
    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
        read_only_fields = fields


class ApiKeyRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(child=serializers.CharField(max_length=64), min_length=1, max_length=100)


class ApiKeySecret(ApiKeyRow):
    """With the key itself: shown once, when it is made or rotated."""

    key = serializers.CharField(read_only=True)

    class Meta(ApiKeyRow.Meta):
        fields = (*ApiKeyRow.Meta.fields, "key")
        read_only_fields = fields
