"""Commission plans and the partners' own rates."""

from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.commissions import services
from apps.commissions.api import serializers
from apps.commissions.models import CommissionPlan, PartnerOverride, PlanVersion
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import NotFound
from apps.rbac.access import requires
from apps.referrals.models import Partner

READ = requires("commission.read")
CREATE = requires("commission.create")
UPDATE = requires("commission.update")


def heads() -> QuerySet[PlanVersion]:
    """The last version of each plan: its draft, else what was published last."""
    last = PlanVersion.objects.filter(plan=OuterRef("plan")).order_by("-version").values("pk")[:1]
    return PlanVersion.objects.filter(pk=Subquery(last)).prefetch_related("rules")


def find_plan(plan_id: UUID) -> CommissionPlan:
    plan = CommissionPlan.objects.filter(pk=plan_id).first()
    if plan is None:
        raise NotFound()
    return plan


def row(plan_id: UUID) -> dict[str, Any]:
    data: dict[str, Any] = serializers.PlanRow(heads().get(plan_id=plan_id)).data
    return data


class PlansView(ListView):
    """Every plan of the site by its last version, and how to make one."""

    access = {"GET": READ, "POST": CREATE}
    exported = Exported(money=("minimum",))
    queryset = PlanVersion.objects.none()

    def get_serializer_class(self) -> Any:
        return serializers.PlanRequest if self.request.method == "POST" else serializers.PlanRow

    def get_queryset(self) -> QuerySet[PlanVersion]:
        return heads()

    @extend_schema(responses={201: serializers.PlanRow})
    def post(self, request: Request) -> Response:
        terms = self.validated(request)
        rules = terms.pop("rules")
        version = services.create_plan(terms=terms, rules=rules, actor=person(request))
        return Response(row(version.plan_id), status=201)


class PlanView(ApiView):
    """One plan by its last version. Changing a published one opens the next version, a draft."""

    access = {"GET": READ, "PATCH": UPDATE}
    serializer_class = serializers.PlanChange

    @extend_schema(responses=serializers.PlanRow)
    def get(self, request: Request, plan_id: UUID) -> Response:
        return Response(row(find_plan(plan_id).pk))

    @extend_schema(responses=serializers.PlanRow)
    def patch(self, request: Request, plan_id: UUID) -> Response:
        plan = find_plan(plan_id)
        terms = self.validated(request)
        rules = terms.pop("rules", None)
        services.update_plan(plan=plan, terms=terms, rules=rules, actor=person(request))
        return Response(row(plan.pk))


class PublishView(ApiView):
    """Make the draft the site's plan from now on."""

    access = {"POST": UPDATE}
    serializer_class = serializers.PlanRow

    @extend_schema(request=None)
    def post(self, request: Request, plan_id: UUID) -> Response:
        plan = find_plan(plan_id)
        services.publish_plan(plan=plan, actor=person(request))
        return Response(row(plan.pk))


class OverridesView(ApiView):
    """A partner's own rates (P11). PUT replaces all of them; an empty list removes them."""

    access = {"GET": READ, "PUT": UPDATE}
    serializer_class = serializers.OverridesRequest

    @extend_schema(responses=serializers.OverridesRow)
    def get(self, request: Request, partner_id: UUID) -> Response:
        return self._answer(self._partner(partner_id))

    @extend_schema(responses=serializers.OverridesRow)
    def put(self, request: Request, partner_id: UUID) -> Response:
        partner = self._partner(partner_id)
        services.set_overrides(partner=partner, rules=self.validated(request)["rules"], actor=person(request))
        return self._answer(partner)

    def _partner(self, partner_id: UUID) -> Partner:
        partner = Partner.objects.people().filter(pk=partner_id).first()
        if partner is None:
            raise NotFound()
        return partner

    def _answer(self, partner: Partner) -> Response:
        own = PartnerOverride.objects.filter(partner=partner, ended_at=None)
        return Response({"partner_id": partner.pk, "rules": [serializers.rule_row(rule) for rule in own]})
