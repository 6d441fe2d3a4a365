"""Shapes of the referrals API. Rules are the services'."""

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import IdField
from apps.referrals.models import Partner


class Stats(serializers.Serializer[Any]):
    direct_referrals = serializers.IntegerField()
    total_team_size = serializers.IntegerField()
    level_breakdown = serializers.DictField(
        child=serializers.IntegerField(), help_text="People by level 1-20; only levels with any."
    )


class TreeRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True)
    level = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField(help_text="Masked for partners.")
    referral_code = serializers.CharField()
    status = serializers.ChoiceField(choices=Partner.Status.choices)
    kind = serializers.ChoiceField(choices=Partner.Kind.choices)
    joined_at = serializers.DateTimeField()
    direct_referrals = serializers.IntegerField()
    total_team_size = serializers.IntegerField()
    purchases_total = serializers.IntegerField(help_text="Minor units.")
    commission_total = serializers.IntegerField(help_text="What the viewer earned from them, minor units.")


class ChainLink(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    level = serializers.IntegerField()


class ReferralRow(TreeRow):
    parent_chain = ChainLink(many=True, help_text="From the viewer down to the person's sponsor.")


class Upline(serializers.Serializer[Any]):
    results = ChainLink(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class Link(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True, help_text="Null for the main link.")
    name = serializers.CharField(allow_null=True)
    referral_code = serializers.CharField()
    url = serializers.CharField()
    short_url = serializers.CharField()
    qr_svg = serializers.CharField()
    clicks = serializers.IntegerField()
    signups = serializers.IntegerField()
    conversion_rate = serializers.CharField()
    is_active = serializers.BooleanField()


class Links(Link):
    links = Link(many=True, help_text="Campaign links.")


class LinkRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)


class LinkChange(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField(max_length=80, required=False)
    is_active = serializers.BooleanField(required=False)


class ClickRequest(serializers.Serializer[Any]):
    referral_code = serializers.CharField(max_length=40)
    url = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    referrer = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    device_id = serializers.CharField(max_length=100, required=False, allow_blank=True)


class ClickAnswer(serializers.Serializer[Any]):
    click_id = serializers.UUIDField()


class MoveRequest(serializers.Serializer[Any]):
    new_sponsor_id = IdField(allow_null=True, help_text="Null: to the top of the site.")
    reason = serializers.CharField(max_length=500)
    preview = serializers.BooleanField(default=False)
    effective_at = serializers.DateTimeField(required=False, allow_null=True)


class TeamChange(serializers.Serializer[Any]):
    partner_id = serializers.UUIDField()
    direct_referrals_before = serializers.IntegerField()
    direct_referrals = serializers.IntegerField()
    total_team_size_before = serializers.IntegerField()
    total_team_size = serializers.IntegerField()


class MoveAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True, help_text="Null for a preview.")
    status = serializers.ChoiceField(choices=["preview", "scheduled", "applied"])
    partner_id = serializers.UUIDField()
    from_sponsor_id = serializers.UUIDField(allow_null=True)
    to_sponsor_id = serializers.UUIDField(allow_null=True)
    people = serializers.IntegerField(help_text="Who moves, the partner included.")
    depth_change = serializers.IntegerField()
    deepest_level = serializers.IntegerField(help_text="How far the moved branch reaches below the partner.")
    effective_at = serializers.DateTimeField()
    changes = TeamChange(many=True, help_text="Those above, before or after, whose team changes.")


class PartnerChange(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["active", "inactive", "frozen"], required=False)
    kind = serializers.ChoiceField(choices=["user", "agent"], required=False)
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"status", "kind"} & attrs.keys():
            raise serializers.ValidationError("Name a status or a kind.")
        return attrs
