"""A partner's tree, links and clicks; the staff's whole tree (spec: api.md, Referrals and the affiliate)."""

from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.accounts.api.views import durable_of
from apps.core.api.throttling import client_ip
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import Invalid, NotFound
from apps.core.tenancy import KnownSite
from apps.rbac.access import PUBLIC, access_of, requires
from apps.referrals import links, services
from apps.referrals.api import serializers
from apps.referrals.api.filters import ReferralFilter
from apps.referrals.api.pagination import TreePagination
from apps.referrals.models import MAX_LEVEL, CampaignLink, Partner, TreeMove
from apps.referrals.rows import tree_rows
from apps.referrals.selectors import Downline, own_stats, partner_of, people, persons, upline_snapshot

DEPTH = OpenApiParameter("depth", int, description=f"1 to {MAX_LEVEL}; default {MAX_LEVEL}.")
ROOT = OpenApiParameter("root", UUID, description="Staff: whose downline; default the whole site.")


class OwnPartner:
    """For views about the caller's own place in the tree."""

    request: Any

    @cached_property
    def partner(self) -> Partner:
        return partner_of(person(self.request))


class StatsView(ApiView):
    """How many people stand below me, by level."""

    access = {"GET": requires("affiliate.read", at="own")}
    serializer_class = serializers.Stats

    @extend_schema(responses=serializers.Stats)
    def get(self, request: Request) -> Response:
        levels = own_stats(person(request))
        breakdown = {str(level): people for level, people in enumerate(levels, start=1) if people}
        return Response({"direct_referrals": levels[0], "total_team_size": sum(levels), "level_breakdown": breakdown})


class UplineView(OwnPartner, ApiView):
    """The chain above me, nearest first: names only."""

    access = {"GET": requires("affiliate.read", at="own")}
    serializer_class = serializers.Upline

    @extend_schema(responses=serializers.Upline)
    def get(self, request: Request) -> Response:
        chain = upline_snapshot(self.partner, depth=self.partner.depth)
        rows = [{"id": member.partner_id, "name": member.name, "level": member.level} for member in chain]
        return Response({"results": rows, "next": None, "previous": None})


class TreeListView(ListView):
    """Base of the lists of people: depth-first below `top`."""

    pagination_class = TreePagination
    serializer_class: Any = serializers.TreeRow
    chains = False
    exported = Exported(money=("purchases_total", "commission_total"))

    @property
    def top(self) -> Partner:
        raise NotImplementedError

    @property
    def viewer(self) -> Partner | None:
        """Whose addresses are masked and whose earnings count; None for staff."""
        return None

    def get_queryset(self) -> Any:
        depth = read_level(self.request.query_params.get("depth"), field="depth")
        return Downline(self.top) if depth == MAX_LEVEL else persons().downline_of(self.top, depth=depth)

    def rows(self, page: Any) -> Any:
        return tree_rows(self.top, page, viewer=self.viewer, chains=self.chains)


class TreeView(OwnPartner, TreeListView):
    """Who stands below me. Staff may name another root; a partner's root is always themselves (T6)."""

    access = {"GET": requires("affiliate.read", at="own")}
    query_fields = ("depth", "root")

    @cached_property
    def top(self) -> Partner:
        root = self.request.query_params.get("root")
        if root and self.is_staff:
            return find_partner(root)
        return self.partner

    @cached_property
    def is_staff(self) -> bool:
        return access_of(self.request).at_site("affiliate.read")

    @property
    def viewer(self) -> Partner | None:
        return None if self.is_staff else self.partner

    @extend_schema(parameters=[DEPTH, ROOT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ReferralsView(OwnPartner, TreeListView):
    """My referrals with the chain between us, filtered."""

    access = {"GET": requires("affiliate.read", at="own")}
    serializer_class = serializers.ReferralRow
    filterset_class = ReferralFilter
    chains = True

    @property
    def top(self) -> Partner:
        return self.partner

    @property
    def viewer(self) -> Partner:
        return self.partner

    def get_queryset(self) -> Any:
        return persons().downline_of(self.top, depth=MAX_LEVEL)


class LevelView(ReferralsView):
    """My referrals of one level."""

    def get_queryset(self) -> Any:
        return persons().downline_of(self.top, level=read_level(str(self.kwargs["level"]), field="level"))


class GlobalTreeView(TreeListView):
    """The whole tree of the site, for staff."""

    access = {"GET": requires("affiliate.read")}
    query_fields = ("depth", "root")

    @cached_property
    def top(self) -> Partner:
        root = self.request.query_params.get("root")
        if root and self.all_sites:
            raise Invalid("invalid", "A root stands at one site: ask there.", field="root")
        return find_partner(root) if root else Partner.objects.get(depth=1)

    def at_site(self, site: KnownSite) -> None:
        vars(self).pop("top", None)

    def get_queryset(self) -> Any:
        """Across sites with the site named: only then its index gives the order of the paths."""
        if not self.all_sites:
            return super().get_queryset()
        depth = read_level(self.request.query_params.get("depth"), field="depth")
        return persons().downline_of(self.top, depth=depth).filter(site_id=self.top.site_id)

    @extend_schema(parameters=[DEPTH, ROOT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class LinkView(OwnPartner, ApiView):
    """My referral link and the named ones beside it."""

    access = {
        "GET": requires("affiliate.read", at="own"),
        "POST": requires("affiliate.read", at="own"),
        "PATCH": requires("affiliate.read", at="own"),
    }
    serializer_class = serializers.LinkRequest

    @property
    def origin(self) -> str:
        return links.site_origin(self.request._request)

    @extend_schema(responses=serializers.Links)
    def get(self, request: Request) -> Response:
        return Response(serializers.Links(links.link_figures(self.partner, self.origin)).data)

    @extend_schema(responses={201: serializers.Link})
    def post(self, request: Request) -> Response:
        link = services.create_link(partner=self.partner, **self.validated(request))
        return self._answer(link, status=201)

    @extend_schema(request=serializers.LinkChange, responses=serializers.Link)
    def patch(self, request: Request) -> Response:
        partner = self.partner
        change = serializers.LinkChange(data=request.data)
        change.is_valid(raise_exception=True)
        data = change.validated_data
        link = CampaignLink.objects.filter(partner=partner, pk=data.pop("id")).first()
        if link is None:
            raise NotFound()
        return self._answer(services.update_link(link=link, **data))

    def _answer(self, link: CampaignLink, status: int = 200) -> Response:
        figures = links.campaign_figures(link, self.partner, self.origin)
        return Response(serializers.Link(figures).data, status=status)


class ClickView(ApiView):
    """A visitor came by a partner's link. For pages that don't go through /r/."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.ClickRequest

    @extend_schema(responses={201: serializers.ClickAnswer})
    def post(self, request: Request) -> Response:
        data = self.validated(request)
        ip = client_ip(request)
        partner = services.guarded_code(data.pop("referral_code"), ip=ip)
        click = services.record_click(partner=partner, ip=ip, user_agent=request.headers.get("User-Agent", ""), **data)
        return Response({"click_id": click.pk}, status=201)


class MoveView(ApiView):
    """Move a partner, with everybody below, to another sponsor; or only say what that would change (X6)."""

    access = {"POST": requires("affiliate.manage")}
    serializer_class = serializers.MoveRequest

    @extend_schema(responses=serializers.MoveAnswer)
    def post(self, request: Request, pk: UUID) -> Response:
        partner = find_partner(pk)
        data = self.validated(request)
        new_sponsor = self._sponsor(data["new_sponsor_id"])
        actor: Any = request.user
        try:
            plan = services.preview_move(partner=partner, new_sponsor=new_sponsor)
        except Invalid as error:
            if error.code == services.INTO_OWN_DOWNLINE and not data["preview"]:
                note = partial(services.note_circle, partner_id=partner.pk, reason=error.code, actor=actor)
                durable_of(request).append(note)
            raise
        move = None
        if not data["preview"]:
            effective_at = data.get("effective_at")
            move = services.move_partner(
                partner=partner, new_sponsor=new_sponsor, reason=data["reason"], actor=actor, effective_at=effective_at
            )
        return Response(serializers.MoveAnswer(_move_answer(plan, move)).data)

    @staticmethod
    def _sponsor(pk: UUID | None) -> Partner | None:
        """Another site's partner is as unknown as nobody's."""
        found = Partner.objects.people().filter(pk=pk).first() if pk else None
        if pk and found is None:
            raise Invalid("sponsor_unknown", "There is no such partner.", field="new_sponsor_id")
        return found


class PartnerView(ApiView):
    """Staff decide on a partner's status and kind."""

    access = {"PATCH": requires("affiliate.manage", at="scoped")}
    serializer_class = serializers.PartnerChange

    @extend_schema(responses=serializers.TreeRow)
    def patch(self, request: Request, pk: UUID) -> Response:
        rows = access_of(request).narrow(Partner.objects.people(), "affiliate.manage")
        partner = find_partner(pk, among=rows)
        data = self.validated(request)
        about: dict[str, Any] = {"reason": data["reason"], "actor": request.user}
        if "status" in data:
            services.set_partner_status(partner=partner, status=data["status"], **about)
        if "kind" in data:
            services.set_partner_kind(partner=partner, kind=data["kind"], **about)
        changed = people().get(pk=partner.pk)
        return Response(serializers.TreeRow(tree_rows(Partner.objects.get(depth=1), [changed], viewer=None)[0]).data)


def read_level(value: str | None, *, field: str) -> int:
    """1..20, by default 20. Raises Invalid."""
    if value is None or value == "":
        return MAX_LEVEL
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MAX_LEVEL:
        raise Invalid("invalid", f"{field} is a number from 1 to {MAX_LEVEL}.", field=field)
    return int(value)


def find_partner(pk: UUID | str, *, among: Any = None) -> Partner:
    """Raises NotFound for an unknown id, another site's, the root's, one outside `among`, and for what is no id at all."""
    try:
        found: Partner | None = (Partner.objects.people() if among is None else among).filter(pk=UUID(str(pk))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound()
    return found


def _move_answer(plan: services.MovePlan, move: TreeMove | None) -> dict[str, Any]:
    return {
        "id": move.pk if move else None,
        "status": move.status if move else "preview",
        "partner_id": plan.partner.pk,
        "from_sponsor_id": plan.from_sponsor_id,
        "to_sponsor_id": plan.to_sponsor_id,
        "people": plan.people,
        "depth_change": plan.depth_change,
        "deepest_level": plan.deepest_level,
        "effective_at": move.effective_at if move else timezone.now(),
        "changes": [
            {
                "partner_id": pk,
                "direct_referrals_before": before[0],
                "direct_referrals": after[0],
                "total_team_size_before": sum(before),
                "total_team_size": sum(after),
            }
            for pk, (before, after) in plan.changes.items()
        ],
    }
