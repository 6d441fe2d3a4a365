"""Shapes of registration and of /auth/me."""

from typing import Any

from rest_framework import serializers

from apps.core.forms import OTP_MAX, PASSWORD_MAX
from apps.referrals.models import Partner


class RegisterRequest(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    full_name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    referral_code = serializers.CharField(max_length=32, required=False, allow_blank=True, allow_null=True, default="")
    click_id = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True, default="")
    user_type = serializers.ChoiceField(choices=["individual", "enterprise"], default="individual")
    otp = serializers.CharField(
        max_length=OTP_MAX, required=False, allow_blank=True, default="",
        help_text="For a login of another site that has two-factor.",
    )  # fmt: skip


class OidcRequest(serializers.Serializer[Any]):
    """`id_token` of the site's issuer. The others count where it makes somebody new."""

    id_token = serializers.CharField(max_length=16_384)
    nonce = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")
    referral_code = serializers.CharField(max_length=32, required=False, allow_blank=True, default="")
    click_id = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    otp = serializers.CharField(max_length=OTP_MAX, required=False, allow_blank=True, default="")


class UserRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.CharField()
    full_name = serializers.CharField()
    user_type = serializers.CharField()


class PartnerRow(serializers.ModelSerializer[Partner]):
    referral_code = serializers.CharField(source="code")
    sponsor_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Partner
        fields = ("id", "referral_code", "status", "kind", "sponsor_id", "joined_at")
        read_only_fields = fields


class Registered(serializers.Serializer[Any]):
    user = UserRow()
    partner = PartnerRow()
    access = serializers.CharField()
    refresh = serializers.CharField()


class Me(UserRow):
    locale = serializers.CharField()
    site = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    partner = PartnerRow(allow_null=True)
    broker_connected = serializers.BooleanField()
    two_factor_required = serializers.BooleanField(help_text="Staff permissions are withheld until two-factor is on.")


class MeChange(serializers.Serializer[Any]):
    """Everything else in the body is ignored: none of it is the user's to write."""

    full_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    locale = serializers.RegexField(r"^$|^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,6})?$", required=False, allow_blank=True)
