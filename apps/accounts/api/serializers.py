"""Shapes of the accounts API. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.accounts.models import ApiKey, SignIn
from apps.core.forms import OTP_MAX, PASSWORD_MAX


class TokenRequest(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    otp = serializers.CharField(max_length=OTP_MAX, required=False, allow_blank=True, default="")


class TokenPair(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshRequest(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=2000)


class SignInRow(serializers.ModelSerializer[SignIn]):
    """`current` is the sign-in that asks."""

    current = serializers.SerializerMethodField()

    class Meta:
        model = SignIn
        fields = ("id", "kind", "created_at", "last_used_at", "ip", "user_agent", "current")
        read_only_fields = fields

    def get_current(self, row: SignIn) -> bool:
        return bool(row.pk == getattr(self.context["request"].user, "sign_in_id", None))


class OtpRequest(serializers.Serializer[Any]):
    """`otp` is a code of the device, or a recovery code."""

    otp = serializers.CharField(max_length=OTP_MAX)


class StepUpRequest(serializers.Serializer[Any]):
    """One of them: `otp` where there is two-factor, else `password`."""

    otp = serializers.CharField(max_length=OTP_MAX, required=False, allow_blank=True, default="")
    password = serializers.CharField(
        max_length=128, required=False, allow_blank=True, default="", trim_whitespace=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["otp"] and not attrs["password"]:
            raise serializers.ValidationError({"otp": ["A code, or without two-factor the password."]}, code="required")
        return attrs


class TwoFactorStanding(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(source="is_on")
    enabled_at = serializers.DateTimeField(source="since", allow_null=True)
    recovery_codes = serializers.IntegerField(help_text="How many are left.")


class TwoFactorBegin(serializers.Serializer[Any]):
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class TwoFactorEnd(TwoFactorBegin, OtpRequest):
    pass


class TwoFactorEnrolment(serializers.Serializer[Any]):
    secret = serializers.CharField()
    otpauth_uri = serializers.CharField()
    qr_svg = serializers.CharField()


class RecoveryCodes(serializers.Serializer[Any]):
    """Shown this once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class AccessRenewed(serializers.Serializer[Any]):
    """`access` is null for the dashboard's session, which is renewed itself."""

    access = serializers.CharField(allow_null=True)


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
