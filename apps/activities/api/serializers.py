"""Shapes of activities and enterprises. Money is minor units of the site's currency."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from apps.accounts.models import Membership
from apps.accounts.services import SUB_USER_RIGHTS
from apps.activities.models import Activity, ActivityType, FormDocument, Kind
from apps.core.api.fields import StrictIntegerField
from apps.core.forms import PASSWORD_MAX
from apps.sites.selectors import currency_of_site
from apps.wallet.models import Posting

MOST_LIMIT = 10**15


class ActivityTypeRow(serializers.ModelSerializer[ActivityType]):
    type = serializers.CharField(source="key")
    name = serializers.CharField(source="get_key_display")
    currency = serializers.SerializerMethodField()

    class Meta:
        model = ActivityType
        fields = ("type", "name", "cost", "currency")
        read_only_fields = fields

    def get_currency(self, row: ActivityType) -> str:
        return currency_of_site(row)


class FormRow(serializers.ModelSerializer[FormDocument]):
    class Meta:
        model = FormDocument
        fields = ("id", "title", "filename", "content_type", "size", "created_at")
        read_only_fields = fields


class ActivityRequest(serializers.Serializer[Any]):
    """`params` of a report: {report, format: pdf|xlsx, date_from?, date_to?}; of a form: {form}."""

    type = serializers.ChoiceField(choices=Kind.values)
    params = serializers.DictField(required=False, default=dict)


class ActivityRow(serializers.ModelSerializer[Activity]):
    user = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField()

    class Meta:
        model = Activity
        fields = (
            "id", "type", "status", "params", "cost", "currency", "user", "file_url", "rows_done", "rows_total", "failure",
            "created_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_user(self, row: Activity) -> dict[str, Any]:
        return {"id": row.user_id, "name": str(row.user)}

    def get_file_url(self, row: Activity) -> str | None:
        if row.status == Activity.Status.FAILED:
            return None
        path = reverse("activity-file", args=[row.pk])
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request is not None else path


class Progress(serializers.Serializer[Any]):
    status = serializers.CharField()
    rows_done = serializers.IntegerField()
    rows_total = serializers.IntegerField()


class Figures(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    amount = serializers.IntegerField()


class UserFigures(Figures):
    id = serializers.UUIDField()
    name = serializers.CharField()


class UnitFigures(Figures):
    """`date` is the first day of the unit."""

    date = serializers.DateField()


class Statistics(serializers.Serializer[Any]):
    period = serializers.CharField()
    currency = serializers.CharField()
    total = Figures()
    by_type = serializers.DictField(child=Figures())
    by_user = UserFigures(many=True)
    series = UnitFigures(many=True)

    def get_fields(self) -> dict[str, Any]:
        ends = {"from": serializers.DateField(source="first"), "to": serializers.DateField(source="last")}
        return {**ends, **super().get_fields()}


class SubUserRow(serializers.ModelSerializer[Membership]):
    """`id` is the user's."""

    id = serializers.UUIDField(source="user_id")
    email = serializers.CharField(source="user.email")
    full_name = serializers.CharField(source="user.full_name")
    spent_this_month = serializers.IntegerField()
    currency = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = (
            "id", "email", "full_name", "is_active", "spending_limit", "spent_this_month", "currency", "allowed", "joined_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_currency(self, row: Membership) -> str:
        return currency_of_site(row)


class SubUserFields(serializers.Serializer[Any]):
    full_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    spending_limit = StrictIntegerField(min_value=0, max_value=MOST_LIMIT, required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    allowed = serializers.ListField(
        child=serializers.ChoiceField(choices=SUB_USER_RIGHTS), required=False, max_length=10
    )


class SubUserRequest(SubUserFields):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class SubUserChange(SubUserFields):
    """E-mail and password are the person's own to change, and refused here."""

    email = serializers.CharField(required=False, max_length=254)
    password = serializers.CharField(required=False, max_length=PASSWORD_MAX, trim_whitespace=False)


class Spent(serializers.Serializer[Any]):
    today = serializers.IntegerField()
    this_month = serializers.IntegerField()
    this_year = serializers.IntegerField()
    total = serializers.IntegerField()


class Funds(serializers.Serializer[Any]):
    balance = serializers.IntegerField()


class SubUserCounts(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    active = serializers.IntegerField()


class EnterpriseActivities(serializers.Serializer[Any]):
    total = Figures()
    by_type = serializers.DictField(child=Figures())
    by_user = UserFigures(many=True)


class EnterpriseDashboard(serializers.Serializer[Any]):
    """`activities` and `series` are of the last 30 days."""

    currency = serializers.CharField()
    funds = Funds()
    sub_users = SubUserCounts()
    spent = Spent()
    activities = EnterpriseActivities()
    spending = SubUserRow(many=True)
    series = UnitFigures(many=True)


class StatementRow(serializers.ModelSerializer[Posting]):
    """One movement of the enterprise's funds; `by` is whoever caused it."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField(source="entry.created_at")
    kind = serializers.CharField(source="entry.kind")
    activity = serializers.SerializerMethodField()
    by = serializers.SerializerMethodField()
    balance_after = serializers.IntegerField(read_only=True)
    ref_id = serializers.CharField(source="entry.ref_id")

    class Meta:
        model = Posting
        fields = ("id", "created_at", "kind", "activity", "by", "amount", "currency", "balance_after", "ref_id")

    def get_activity(self, row: Posting) -> str:
        return str(row.entry.meta.get("activity", ""))

    def get_by(self, row: Posting) -> str:
        return str(row.entry.meta.get("user", ""))
