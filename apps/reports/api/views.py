"""Figures that join several apps (spec: api.md, Referrals and the affiliate; Wallet)."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.core.api.filters import DayRangeFilter
from apps.core.api.views import ApiView, Exported, ListView
from apps.orders.models import OrderLine, Service
from apps.rbac.access import SIGNED_IN, requires
from apps.referrals.selectors import partner_of
from apps.reports import selectors
from apps.reports.api import serializers
from apps.wallet.selectors import wallet_summary

OWN = requires("affiliate.read", at="own")


class DashboardView(ApiView):
    """The partner's overview."""

    access = {"GET": OWN}
    serializer_class = serializers.Dashboard

    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.dashboard(partner_of(person(request)))).data)


class AffiliateStatsView(ApiView):
    """Earnings by status, level and month."""

    access = {"GET": OWN}
    serializer_class = serializers.AffiliateStats

    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.affiliate_stats(partner_of(person(request)))).data)


class ExpectedPayoutView(ApiView):
    """What may come, and how the estimate was made."""

    access = {"GET": OWN}
    serializer_class = serializers.ExpectedPayout

    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.expected_payout(partner_of(person(request)))).data)


class ServiceFilter(DayRangeFilter):
    day_field = "order__paid_at"

    category = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(field_name="standing", choices=Service.Status.choices)
    level = django_filters.NumberFilter(field_name="buyer_level")

    class Meta:
        model = OrderLine
        fields: list[str] = []


class ServicesView(ListView):
    """What the people below me bought."""

    access = {"GET": OWN}
    serializer_class = serializers.ServiceRow
    filterset_class = ServiceFilter
    exported = Exported(money=("amount", "commission"), parts={"buyer": ("id", "name")})

    def get_queryset(self) -> Any:
        return selectors.bought_by_downline(partner_of(person(self.request)))


class WalletView(ApiView):
    """The caller's pockets."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.Wallet

    def get(self, request: Request) -> Response:
        user = person(request)
        found = wallet_summary(user.pk)
        body = {
            "currency": found.currency,
            "earnings": found,
            "funds": {"balance": found.funds},
            "pending_commissions": selectors.pending_commissions(user.pk),
        }
        return Response(self.get_serializer(body).data)


class SiteStatsView(ApiView):
    """How the whole site is doing."""

    access = {"GET": requires("analytics.read")}
    serializer_class = serializers.SiteStats
    across_counts = ("users", "partners.*", "orders.count", "commissions.*.count", "payouts.*.count", "clicks")
    across_amounts = ("orders.amount", "orders.refunded", "commissions.*.amount", "payouts.*.amount")

    @extend_schema(responses=serializers.SiteStats)
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.site_stats()).data)
