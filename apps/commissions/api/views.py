"""Commissions, their decisions and their explanations (spec: api.md, Commissions)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.commissions import selectors, services
from apps.commissions.api import serializers
from apps.commissions.api.filters import CommissionFilter
from apps.commissions.models import Commission
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.orders.models import Order
from apps.rbac.access import access_of, requires
from apps.referrals.selectors import partner_of

READ = requires("commission.read", at="own")
APPROVE = requires("commission.approve", at="scoped", step_up=True)
REJECT = requires("commission.approve", at="scoped")


def sees_all(request: Request) -> bool:
    return access_of(request).at_site("commission.read")


def visible(request: Request) -> QuerySet[Commission]:
    """All of the site for staff, else one's own and those of the people one works for; what isn't visible doesn't exist."""
    rows: QuerySet[Commission] = Commission.objects.select_related("version", "source_user")
    if sees_all(request):
        return rows
    narrowed: QuerySet[Commission] = access_of(request).narrow(rows, "commission.read", own=person(request).pk)
    return narrowed


def decidable(request: Request) -> QuerySet[Commission]:
    """Those that the caller may approve or reject."""
    rows: QuerySet[Commission] = access_of(request).narrow(Commission.objects.all(), *APPROVE.keys)
    return rows


def find(rows: QuerySet[Commission], pk: UUID) -> Commission:
    """Raises NotFound, the same for what is somebody else's."""
    commission = rows.filter(pk=pk).first()
    if commission is None:
        raise NotFound()
    return commission


class CommissionsView(ListView):
    """Mine; for staff the site's."""

    access = {"GET": READ}
    serializer_class = serializers.CommissionRow
    filterset_class = CommissionFilter
    exported = Exported(
        money=("base_amount", "flat_amount", "original_amount", "reversed_amount", "amount"),
        parts={"source_user": ("id", "name")},
    )
    queryset = Commission.objects.none()

    def get_queryset(self) -> QuerySet[Commission]:
        return visible(self.request)


class PendingView(CommissionsView):
    """Those that wait for a decision or for the end of their hold."""

    def get_queryset(self) -> QuerySet[Commission]:
        return visible(self.request).filter(status=Commission.Status.PENDING)


class StatsView(ApiView):
    """How many there are in each state, and what they are worth."""

    access = {"GET": READ}
    serializer_class = serializers.CommissionStats

    def get(self, request: Request) -> Response:
        return Response(selectors.stats(visible(request)))


class CommissionView(ApiView):
    access = {"GET": READ}
    serializer_class = serializers.CommissionRow

    def get(self, request: Request, commission_id: UUID) -> Response:
        return Response(self.get_serializer(find(visible(request), commission_id)).data)


class ExplainView(ApiView):
    """Line, plan version, rule, base, rate, exact value, rounding and the path in the tree as it was."""

    access = {"GET": READ}
    serializer_class = serializers.Explanation

    def get(self, request: Request, commission_id: UUID) -> Response:
        rows = visible(request).select_related("version", "line", "order")
        return Response(selectors.explain(find(rows, commission_id)))


class ApproveView(ApiView):
    """Approve one, and credit the partner's earnings with it."""

    access = {"POST": APPROVE}
    serializer_class = serializers.CommissionRow

    @extend_schema(request=None)
    def post(self, request: Request, commission_id: UUID) -> Response:
        commission = find(decidable(request), commission_id)
        services.approve_commission(commission=commission, actor=person(request))
        return Response(self.get_serializer(find(decidable(request), commission_id)).data)


class RejectView(ApiView):
    """Reject one that is pending."""

    access = {"POST": REJECT}
    serializer_class = serializers.CommissionRejection

    @extend_schema(responses=serializers.CommissionRow)
    def post(self, request: Request, commission_id: UUID) -> Response:
        commission = find(decidable(request), commission_id)
        reason = self.validated(request)["reason"]
        services.reject_commission(commission=commission, reason=reason, actor=person(request))
        return Response(serializers.CommissionRow(find(decidable(request), commission_id)).data)


class ApproveManyView(ApiView):
    """Approve up to 1,000; those that can't be are named with a code."""

    access = {"POST": APPROVE}
    serializer_class = serializers.CommissionApproval

    @extend_schema(operation_id="commissions_approve_many", responses=serializers.CommissionsDecided)
    def post(self, request: Request) -> Response:
        ids = self.validated(request)["ids"]
        mine = set(decidable(request).filter(pk__in=ids).values_list("pk", flat=True))
        decided = services.approve_commissions(ids=[pk for pk in ids if pk in mine], actor=person(request))
        refused = [{"id": pk, "code": code} for pk, code in decided.refused]
        refused += [{"id": pk, "code": "not_found"} for pk in dict.fromkeys(ids) if pk not in mine]
        return Response({"approved": decided.approved, "refused": refused})


class OutcomesView(ApiView):
    """Per line and level of an order: the commission, or the reason why there is none (X3).

    Partners in the upline see the rows that name them, who works for a department or an enterprise those that name its people;
    to everybody else below staff the order does not exist.
    """

    access = {"GET": READ}
    serializer_class = serializers.OutcomesRow

    def get(self, request: Request, order_id: UUID) -> Response:
        order = Order.objects.filter(pk=order_id).first()
        if order is None:
            raise NotFound()
        rows: list[dict[str, Any]] = selectors.outcomes_of(order, **self._whose(request))
        if not rows and not sees_all(request):
            raise NotFound()
        return Response({"order_id": order.pk, "commissioned_at": order.commissioned_at, "results": rows})

    def _whose(self, request: Request) -> dict[str, Any]:
        """Whose rows to show: nobody named for staff, who see all."""
        if sees_all(request):
            return {}
        access = access_of(request)
        if access.scoped("commission.read"):
            return {"users": access.users("commission.read", own=person(request).pk)}
        return {"partner_id": partner_of(person(request)).pk}
