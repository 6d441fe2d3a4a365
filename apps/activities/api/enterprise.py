"""An enterprise and its sub-users (spec: api.md, Accounts). Another enterprise's sub-user is nobody."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services as accounts
from apps.accounts.api.caller import person
from apps.accounts.api.views import durable_of
from apps.accounts.models import Membership
from apps.activities import selectors
from apps.activities.api import serializers
from apps.core.api.filters import DayRangeFilter
from apps.core.api.pagination import SignedCursorPagination
from apps.core.api.views import ApiView, Exported, ListView
from apps.rbac.access import SIGNED_IN
from apps.wallet.models import Pocket, Posting
from apps.wallet.selectors import ledger_of

MOST_SPENDING = 200
"""Sub-users that the dashboard names; the list has all."""


class SubUserFilter(django_filters.FilterSet):
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = Membership
        fields: list[str] = []


class SubUsersView(ListView):
    """Mine, newest first."""

    access = {"GET": SIGNED_IN, "POST": SIGNED_IN}
    serializer_class = serializers.SubUserRow
    filterset_class = SubUserFilter
    exported = Exported(money=("spending_limit", "spent_this_month"))

    def get_queryset(self) -> Any:
        return selectors.sub_users(selectors.enterprise_of(person(self.request)))

    @extend_schema(request=serializers.SubUserRequest, responses={201: serializers.SubUserRow})
    def post(self, request: Request) -> Response:
        user = person(request)
        enterprise = selectors.enterprise_of(user)
        sent = serializers.SubUserRequest(data=request.data)
        sent.is_valid(raise_exception=True)
        member = accounts.create_sub_user(
            enterprise=enterprise, actor=user, durable=durable_of(request), **sent.validated_data
        )
        made = selectors.sub_user_of(user, member.user_id)
        return Response(serializers.SubUserRow(made).data, status=201)


class SubUserView(ApiView):
    access = {"GET": SIGNED_IN, "PATCH": SIGNED_IN}
    serializer_class = serializers.SubUserChange

    @extend_schema(responses=serializers.SubUserRow)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(serializers.SubUserRow(selectors.sub_user_of(person(request), pk)).data)

    @extend_schema(responses=serializers.SubUserRow)
    def patch(self, request: Request, pk: UUID) -> Response:
        user = person(request)
        found = selectors.sub_user_of(user, pk)
        accounts.change_sub_user(member=found, changes=self.validated(request), actor=user)
        return Response(serializers.SubUserRow(selectors.sub_user_of(user, pk)).data)


class EnterpriseDashboardView(ApiView):
    """Own sub-users, spending, activities."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.EnterpriseDashboard

    def get(self, request: Request) -> Response:
        enterprise = selectors.enterprise_of(person(request))
        spending = selectors.sub_users(enterprise)[:MOST_SPENDING]
        return Response(self.get_serializer({**selectors.enterprise_dashboard(enterprise), "spending": spending}).data)


class StatementFilter(DayRangeFilter):
    day_field = "entry__created_at"

    class Meta:
        model = Posting
        fields: list[str] = []


class StatementPagination(SignedCursorPagination):
    ordering = "-id"


class StatementView(ListView):
    """The consolidated statement: every movement of the enterprise's funds, and which sub-user caused it."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.StatementRow
    filterset_class = StatementFilter
    pagination_class = StatementPagination
    exported = Exported(money=("amount", "balance_after"))

    def get_queryset(self) -> Any:
        enterprise = selectors.enterprise_of(person(self.request))
        return ledger_of(enterprise.user_id).filter(account__kind=Pocket.FUNDS)
