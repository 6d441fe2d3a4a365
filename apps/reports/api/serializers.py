"""Shapes of the reports."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import Membership
from apps.activities.api.serializers import Statistics
from apps.orders.models import OrderLine, Service
from apps.referrals.selectors import name_below
from apps.sites.selectors import currency_of_site


class DayAmount(serializers.Serializer[Any]):
    date = serializers.DateField()
    amount = serializers.IntegerField()


class Dashboard(serializers.Serializer[Any]):
    total_earnings = serializers.IntegerField()
    available_balance = serializers.IntegerField()
    pending_commissions = serializers.IntegerField()
    total_referrals = serializers.IntegerField()
    active_referrals = serializers.IntegerField()
    currency = serializers.CharField()
    clicks = serializers.IntegerField()
    conversion_rate = serializers.CharField()
    expected_payout = serializers.IntegerField()
    series = DayAmount(many=True)


class CountAmount(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    amount = serializers.IntegerField()


class MonthAmount(serializers.Serializer[Any]):
    month = serializers.CharField()
    amount = serializers.IntegerField()


class AffiliateStats(serializers.Serializer[Any]):
    currency = serializers.CharField()
    by_status = serializers.DictField(child=CountAmount())
    by_level = serializers.DictField(child=CountAmount())
    by_month = MonthAmount(many=True)


class ExpectedPayout(serializers.Serializer[Any]):
    currency = serializers.CharField()
    available = serializers.IntegerField()
    approved = serializers.IntegerField(source="available")
    pending = serializers.IntegerField()
    projected = serializers.IntegerField()
    total = serializers.IntegerField()
    by = serializers.DateField()
    method = serializers.CharField()


class ServiceRow(serializers.ModelSerializer[OrderLine]):
    """`status` is that of the service it made or renewed, and `cancelled` once the line was refunded in full; `recurring` says
    whether it is one, which `ends_at`. `commission` is what the caller earned from it."""

    plan = serializers.SerializerMethodField()
    order_id = serializers.UUIDField()
    purchased_at = serializers.DateTimeField(source="order.paid_at")
    currency = serializers.CharField(source="order.currency")
    commission = serializers.IntegerField()
    commission_status = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Service.Status.choices, source="standing")
    recurring = serializers.SerializerMethodField()
    ends_at = serializers.DateTimeField(allow_null=True)
    level = serializers.IntegerField(source="buyer_level")
    buyer = serializers.SerializerMethodField()

    class Meta:
        model = OrderLine
        fields = (
            "id", "order_id", "plan", "category", "purchased_at", "amount", "currency", "commission", "commission_status",
            "status", "recurring", "cycle", "ends_at", "level", "buyer",
        )  # fmt: skip

    def get_plan(self, row: OrderLine) -> str:
        return row.name or row.sku or row.category

    def get_recurring(self, row: Any) -> bool:
        return row.ends_at is not None

    def get_buyer(self, row: OrderLine) -> dict[str, Any]:
        user = row.order.user
        return {"id": row.order.user_id, "name": name_below(user.full_name, user.email) if user else "Guest"}


class EarningsPart(serializers.Serializer[Any]):
    balance = serializers.IntegerField()
    available = serializers.IntegerField()
    held = serializers.IntegerField()
    owed = serializers.IntegerField()


class FundsPart(serializers.Serializer[Any]):
    balance = serializers.IntegerField()


class Wallet(serializers.Serializer[Any]):
    currency = serializers.CharField()
    earnings = EarningsPart()
    funds = FundsPart()
    pending_commissions = serializers.IntegerField()


class PartnerCounts(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    pending = serializers.IntegerField()
    active = serializers.IntegerField()
    inactive = serializers.IntegerField()
    frozen = serializers.IntegerField()


class OrderTotals(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()


class SiteStats(serializers.Serializer[Any]):
    currency = serializers.CharField()
    users = serializers.IntegerField()
    partners = PartnerCounts()
    max_depth = serializers.IntegerField()
    orders = OrderTotals()
    commissions = serializers.DictField(child=CountAmount())
    payouts = serializers.DictField(child=CountAmount())
    clicks = serializers.IntegerField()


class RevenueTotal(serializers.Serializer[Any]):
    """`amount` was paid for `orders`, `refunded` of it given back since, `net` is left of it; `activities` brought in
    `activity_amount` from members' funds; `revenue` = net + activity_amount."""

    orders = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()
    net = serializers.IntegerField()
    activities = serializers.IntegerField()
    activity_amount = serializers.IntegerField()
    revenue = serializers.IntegerField()


class RevenueRow(RevenueTotal):
    """`date` is the first day of the unit."""

    date = serializers.DateField(source="start")


class Ranged(serializers.Serializer[Any]):
    """With the range of days that was asked for, both ends included."""

    def get_fields(self) -> dict[str, Any]:
        ends = {"from": serializers.DateField(source="first"), "to": serializers.DateField(source="last")}
        return {**ends, **super().get_fields()}


class RevenueReport(Ranged):
    period = serializers.CharField()
    currency = serializers.CharField()
    total = RevenueTotal()
    series = RevenueRow(many=True, source="rows")


class Joined(serializers.Serializer[Any]):
    today = serializers.IntegerField()
    last_7_days = serializers.IntegerField()
    last_30_days = serializers.IntegerField()


class DayJoined(serializers.Serializer[Any]):
    date = serializers.DateField()
    joined = serializers.IntegerField()


class PeopleReport(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    active = serializers.IntegerField()
    by_type = serializers.DictField(child=serializers.IntegerField())
    partners = PartnerCounts()
    joined = Joined()
    series = DayJoined(many=True)


class ActorCount(serializers.Serializer[Any]):
    kind = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()


class DayCount(serializers.Serializer[Any]):
    date = serializers.DateField()
    count = serializers.IntegerField()


class ActsReport(Ranged):
    """`activities` are those of members, with what they paid; the rest is what the audit recorded."""

    activities = Statistics()
    total = serializers.IntegerField()
    by_action = serializers.DictField(child=serializers.IntegerField())
    by_actor = ActorCount(many=True)
    series = DayCount(many=True)


class LiabilityRow(serializers.Serializer[Any]):
    """payable + in_flight + paid + funds − clawed_back = ledger. `held` waits for approval and is not in the sum."""

    currency = serializers.CharField()
    held = serializers.IntegerField()
    held_count = serializers.IntegerField()
    payable = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    paid = serializers.IntegerField()
    funds = serializers.IntegerField()
    clawed_back = serializers.IntegerField()
    ledger = serializers.IntegerField()
    agrees = serializers.BooleanField()


class LiabilityReport(LiabilityRow):
    """The figures of the site's own currency; `currencies` has the same for every currency that ever moved."""

    at = serializers.DateTimeField()
    currencies = LiabilityRow(many=True)


class EnterpriseRow(serializers.ModelSerializer[Membership]):
    """`id` is the user's. Amounts are those of the enterprise and its sub-users."""

    id = serializers.UUIDField(source="user_id")
    name = serializers.CharField(source="user.full_name")
    email = serializers.CharField(source="user.email")
    sub_users = serializers.IntegerField(source="sub_users_total")
    active_sub_users = serializers.IntegerField()
    orders = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()
    activities = serializers.IntegerField()
    activity_amount = serializers.IntegerField()
    currency = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = (
            "id", "name", "email", "is_active", "joined_at", "sub_users", "active_sub_users", "orders", "amount", "refunded",
            "activities", "activity_amount", "currency",
        )  # fmt: skip

    def get_currency(self, row: Membership) -> str:
        return currency_of_site(row)


TAX_FIGURES = (
    "commissions", "bonuses", "credits", "earned", "reversed", "clawed_back", "net", "paid_out", "transferred", "deposit_debt",
)  # fmt: skip


class TaxFigures(serializers.Serializer[Any]):
    """earned = commissions + bonuses + credits; net = earned − reversed − clawed_back."""

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **{name: serializers.IntegerField() for name in TAX_FIGURES}}


class TaxMonth(TaxFigures):
    month = serializers.CharField()


class TaxSummary(serializers.Serializer[Any]):
    """opening + net − paid_out − transferred − deposit_debt = closing, the balance of earnings."""

    year = serializers.IntegerField(source="year.year")
    currency = serializers.CharField()
    opening = serializers.IntegerField()
    months = serializers.SerializerMethodField()
    total = TaxFigures()
    closing = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        ends = {"from": serializers.DateField(source="year.first"), "to": serializers.DateField(source="year.last")}
        return {**ends, **super().get_fields()}

    @extend_schema_field(TaxMonth(many=True))
    def get_months(self, told: Any) -> Any:
        return [{"month": f"{first:%Y-%m}", **TaxFigures(row).data} for first, row in told.months.items()]


class TaxRow(serializers.Serializer[Any]):
    """Of a (user, their summary); `id` is the user's."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.EmailField()
    year = serializers.IntegerField()
    currency = serializers.CharField()
    opening = serializers.IntegerField()
    closing = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        figures = {name: serializers.IntegerField() for name in TAX_FIGURES}
        fields = super().get_fields()
        closing = fields.pop("closing")
        return {**fields, **figures, "closing": closing}

    def to_representation(self, instance: Any) -> Any:
        user, told = instance
        total = told.total
        return {
            "id": str(user.pk), "name": user.full_name, "email": user.email, "year": told.year.year, "currency": told.currency,
            "opening": told.opening, **{name: getattr(total, name) for name in TAX_FIGURES}, "closing": told.closing,
        }  # fmt: skip
