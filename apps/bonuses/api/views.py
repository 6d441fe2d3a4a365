"""Referral bonuses (spec: api.md, Wallet, payouts, bonuses, activities)."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.bonuses import selectors, services
from apps.bonuses.api import serializers
from apps.bonuses.models import Bonus, Event, Source
from apps.core.api.filters import DayRangeFilter, day_after, midnight
from apps.core.api.pagination import read_limit
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import Invalid, NotFound
from apps.core.moments import read_moment
from apps.rbac.access import SIGNED_IN, requires

REPORT = requires("events.write", "order.create", "affiliate.manage")


class _EventView(ApiView):
    access = {"POST": REPORT}

    def report(self, given: Any, actor: Any) -> services.Applied:
        raise NotImplementedError

    @extend_schema(responses={200: serializers.AppliedAnswer})
    def post(self, request: Request) -> Response:
        applied = self.report(self.validated(request), request.user)
        body: dict[str, Any] = {"applied": applied.applied}
        if applied.reason:
            body["reason"] = applied.reason
        if applied.bonus is not None:
            body["bonus"] = serializers.BonusRow(applied.bonus).data
        return Response(body)


class FirstDepositView(_EventView):
    """A member's first deposit, wherever they made it. A deposit through our own wallet fires it by itself."""

    serializer_class = serializers.FirstDepositRequest

    def report(self, given: Any, actor: Any) -> services.Applied:
        return services.report_deposit(thing=given, actor=actor)


class DepositRefundedView(_EventView):
    """A deposit that was reported as a first one went back, in whole or in part: its bonus follows, once per refund.

    `applied` with the bonus it took from; `already_used` for a replay, `nothing_to_reverse` where no bonus follows.
    """

    serializer_class = serializers.DepositRefundedRequest

    def report(self, given: Any, actor: Any) -> services.Applied:
        return services.report_refund(**given, actor=actor)


class FirstBidView(_EventView):
    """A member's first bid."""

    serializer_class = serializers.FirstBidRequest

    def report(self, given: Any, actor: Any) -> services.Applied:
        return services.apply_first_event(thing=given, actor=actor)


class BonusFilter(DayRangeFilter):
    status = django_filters.ChoiceFilter(choices=Bonus.Status.choices)
    source = django_filters.ChoiceFilter(choices=Source.choices)
    event_type = django_filters.ChoiceFilter(choices=Event.choices)

    class Meta:
        model = Bonus
        fields: list[str] = []


class OwnHistoryView(ListView):
    """What my referrals' first deposits and bids brought me, newest first."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.BonusRow
    filterset_class = BonusFilter
    exported = Exported(money=("amount", "reversed_amount"))

    def get_queryset(self) -> QuerySet[Bonus]:
        return selectors.bonuses().filter(referrer_id=person(self.request).pk)


class StaffBonusFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Bonus.Status.choices)
    source = django_filters.ChoiceFilter(choices=Source.choices)
    event_type = django_filters.ChoiceFilter(choices=Event.choices)
    referrer_user_id = django_filters.UUIDFilter(field_name="referrer_id")
    referred_user_id = django_filters.UUIDFilter(field_name="referred_id")
    search_term = django_filters.CharFilter(method="search", max_length=200)

    class Meta:
        model = Bonus
        fields: list[str] = []

    def search(self, rows: QuerySet[Bonus], name: str, value: str) -> QuerySet[Bonus]:
        return selectors.searched(rows, value)

    def since(self, rows: QuerySet[Bonus], name: str, value: str) -> QuerySet[Bonus]:
        return rows.filter(created_at__gte=_moment("from", value, midnight))

    def until(self, rows: QuerySet[Bonus], name: str, value: str) -> QuerySet[Bonus]:
        """An instant is included; of a plain date the whole day."""
        if len(value) == len("2026-01-31"):
            return rows.filter(created_at__lt=_moment("to", value, day_after))
        return rows.filter(created_at__lte=_moment("to", value, day_after))


# `from` is a keyword in Python and a parameter in the contract: instants, or plain UTC dates with both ends included.
StaffBonusFilter.base_filters["from"] = django_filters.CharFilter(method="since")
StaffBonusFilter.base_filters["to"] = django_filters.CharFilter(method="until")


def _moment(name: str, written: str, of_day: Callable[[date], datetime]) -> datetime:
    """An ISO 8601 instant, UTC unless it says otherwise, or a plain date. Raises Invalid."""
    found = read_moment(written, name=name)
    if not isinstance(found, datetime):
        return of_day(found)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class StaffHistoryView(ListView):
    """Every bonus of the site, newest first, with how many there are."""

    access = {"GET": requires("referral.history.view_all")}
    serializer_class = serializers.StaffBonusRow
    filterset_class = StaffBonusFilter
    query_fields = ("limit", "offset", "format")
    across_counts = ("total",)
    exported = Exported(money=("amount", "reversed_amount"))

    def queryset_is_list(self) -> bool:
        """Its answer has a shape of its own, but as a file it is read like any other list."""
        return "format" in self.request.query_params

    def get_queryset(self) -> QuerySet[Bonus]:
        return selectors.bonuses().select_related("rule", "event")

    @extend_schema(
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("offset", int)],
        responses={200: serializers.StaffHistory},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)

    def list(self, request: Request) -> Response:
        rows, limit = self.filtered(), read_limit(request.query_params.get("limit"))
        offset = _offset(request.query_params.get("offset"))
        page = list(rows[offset : offset + limit])
        return Response({"items": self.shown(page), "total": rows.order_by().count()})


def _offset(value: str | None) -> int:
    if not value:
        return 0
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise Invalid("invalid", "offset is a whole number.", field="offset")
    return int(value)


class StatusView(ApiView):
    """Approve, reject or credit a bonus. Never one of one's own."""

    access = {"PATCH": requires("referral.payout.approve", step_up=True)}
    serializer_class = serializers.StatusRequest

    @extend_schema(responses=serializers.StaffBonusRow)
    def patch(self, request: Request, pk: UUID) -> Response:
        bonus, actor = find_bonus(pk), person(request)
        services.decide_bonus(bonus=bonus, actor=actor, **self.validated(request))
        return Response(serializers.StaffBonusRow(find_bonus(pk)).data)


class FreezeView(ApiView):
    """Freeze a bonus that waits, or let a frozen one wait again."""

    access = {"PATCH": requires("referral.bonus.freeze")}
    serializer_class = serializers.FreezeRequest

    @extend_schema(responses=serializers.StaffBonusRow)
    def patch(self, request: Request, pk: UUID) -> Response:
        bonus, wanted = find_bonus(pk), self.validated(request)
        act = services.freeze_bonus if wanted["frozen"] else services.unfreeze_bonus
        act(bonus=bonus, fraud_notes=wanted["fraud_notes"], actor=person(request))
        return Response(serializers.StaffBonusRow(find_bonus(pk)).data)


class SettingsView(ApiView):
    """What each type of bonus pays. PUT sets the rule of one type from now on; earlier bonuses keep theirs."""

    access = {
        "GET": requires("referral.settings.manage", "referral.history.view_all"),
        "PUT": requires("referral.settings.manage", step_up=True),
    }
    serializer_class = serializers.RuleRequest

    @extend_schema(responses={200: serializers.RuleRow(many=True)})
    def get(self, request: Request) -> Response:
        return Response({"rules": serializers.RuleRow(selectors.rules_in_force(), many=True).data})

    @extend_schema(responses=serializers.RuleRow)
    def put(self, request: Request) -> Response:
        actor: Any = request.user
        return Response(serializers.RuleRow(services.set_rule(**self.validated(request), actor=actor)).data)


def find_bonus(pk: UUID) -> Bonus:
    """Raises NotFound."""
    bonus = selectors.bonuses().select_related("rule", "event").filter(pk=pk).first()
    if bonus is None:
        raise NotFound()
    return bonus
