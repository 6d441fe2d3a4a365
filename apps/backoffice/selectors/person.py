"""Everything staff may see about one member on one page, by what their own role opens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Q, Sum
from django.http import HttpRequest

from apps.accounts.models import Membership, SignIn, User
from apps.accounts.services import locked_seconds, standing
from apps.accounts.sign_ins import live_sign_ins
from apps.audit.models import AuditEvent
from apps.audit.words import said
from apps.commissions.models import Commission
from apps.core import recording
from apps.core.tenancy import across_sites, site_of
from apps.orders.models import Order
from apps.rbac.access import access_of
from apps.rbac.models import PlatformRole, UserRole
from apps.referrals.models import Partner
from apps.referrals.selectors import read_stats
from apps.sites.selectors import current_site
from apps.wallet.selectors import Summary, wallet_summary

ACTS = 10


@dataclass(frozen=True)
class Held:
    """A role they hold, over what, until when, by whom."""

    name: str
    scope: str
    expires_at: datetime | None
    granted_by: str


@dataclass(frozen=True)
class Elsewhere:
    """A site they belong to. Only holders of a platform role see others than the present one."""

    code: str
    user_type: str
    is_active: bool


@dataclass(frozen=True)
class Door:
    """How they sign in, and what is signed in as them here."""

    two_factor: bool
    codes_left: int
    locked_seconds: int
    sign_ins: list[SignIn]


@dataclass(frozen=True)
class Place:
    """Their place in the tree."""

    partner: Partner
    direct: int
    team: int


@dataclass(frozen=True)
class Bought:
    """Minor units."""

    orders: int
    amount: int


@dataclass(frozen=True)
class Earned:
    """Minor units of commissions, by what became of them."""

    pending: int
    approved: int
    paid: int


class Act(NamedTuple):
    """What was done, in words too."""

    event: AuditEvent
    said: str


@dataclass(frozen=True)
class Person:
    currency: str
    roles: list[Held] | None
    sites: list[Elsewhere] | None
    door: Door | None
    place: Place | None
    wallet: Summary | None
    bought: Bought | None
    earned: Earned | None
    reads_tax: bool
    acts: list[Act] | None
    about: list[Act] | None


def person(request: HttpRequest, membership: Membership) -> Person:
    """A fixed number of queries. A part is None where the viewer may not see it, or they have none."""
    access, user = access_of(request), membership.user
    may = access.at_site
    partner = Partner.objects.select_related("sponsor__user").filter(user=user).first()
    reads_audit = may("user.read") or may("permission.read")
    return Person(
        currency=current_site().currency,
        roles=_roles(user) if may("role.read") or may("rbac.user_roles.manage") else None,
        sites=_sites(request, membership) if access.platform else None,
        door=_door(user) if any(map(may, ("user.update", "user.manage", "permission.read"))) else None,
        place=_place(partner) if partner and (may("affiliate.read") or may("affiliate.manage")) else None,
        wallet=wallet_summary(user.pk) if may("payout.read") or may("billing.read") else None,
        bought=_bought(user) if may("order.read") or may("order.update") else None,
        earned=_earned(user) if may("commission.read") or may("commission.approve") else None,
        reads_tax=may("payout.read"),
        acts=_acts(Q(actor_id=user.pk)) if reads_audit else None,
        about=_about(membership, partner) if reads_audit else None,
    )


def _roles(user: Any) -> list[Held]:
    here = UserRole.objects.filter(user=user).select_related("role", "granted_by").order_by("role__key")
    everywhere = PlatformRole.objects.filter(user=user).select_related("granted_by").order_by("role_key")
    return [
        *(Held(row.role_key, "Every site", row.expires_at, str(row.granted_by or "")) for row in everywhere),
        *(
            Held(row.role.name, row.get_scope_display(), row.expires_at, str(row.granted_by or ""))
            for row in here
        ),
    ]  # fmt: skip


def _sites(request: HttpRequest, membership: Membership) -> list[Elsewhere]:
    """Read across sites, and so written down."""
    recording.record(actor=request.user, action="sites.read_across", after={"path": request.path})
    with across_sites():
        rows = Membership.objects.filter(user_id=membership.user_id).order_by("id")
        return [Elsewhere(site_of(row.site_id).code, row.get_user_type_display(), row.is_active) for row in rows]


def _door(user: User) -> Door:
    found = standing(user)
    return Door(
        found.is_on, found.recovery_codes, locked_seconds(user), list(live_sign_ins(user).order_by("-id")[:ACTS])
    )


def _place(partner: Partner) -> Place:
    levels = read_stats([partner.pk])[partner.pk]
    return Place(partner, levels[0], sum(levels))


def _bought(user: Any) -> Bought:
    found = (
        Order.objects.filter(user=user, paid_at__isnull=False).order_by().aggregate(n=Count("pk"), total=Sum("amount"))
    )
    return Bought(found["n"], found["total"] or 0)


def _earned(user: Any) -> Earned:
    rows = Commission.objects.filter(user=user).order_by().values_list("status").annotate(total=Sum("amount"))
    found = {status: int(total) for status, total in rows}
    return Earned(*(found.get(status, 0) for status in ("pending", "approved", "paid")))


def _acts(of: Q) -> list[Act]:
    return [Act(event, said(event.action)) for event in AuditEvent.objects.filter(of).order_by("-id")[:ACTS]]


def _about(membership: Membership, partner: Partner | None) -> list[Act]:
    """What was done to the member, the login and the partner."""
    of = Q(target_type="accounts.membership", target_id=str(membership.pk))
    of |= Q(target_type="accounts.user", target_id=str(membership.user_id))
    if partner is not None:
        of |= Q(target_type="referrals.partner", target_id=str(partner.pk))
    return _acts(of)
