"""Everything staff may see about one member on one page, by what their own role opens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest

from apps.accounts.models import Membership
from apps.audit.models import AuditEvent
from apps.commissions.models import Commission
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


@dataclass(frozen=True)
class Person:
    currency: str
    roles: list[Held] | None
    place: Place | None
    wallet: Summary | None
    bought: Bought | None
    earned: Earned | None
    acts: list[AuditEvent] | None
    about: list[AuditEvent] | None


def person(request: HttpRequest, membership: Membership) -> Person:
    """A fixed number of queries. A part is None where the viewer may not see it, or they have none."""
    may, user = access_of(request).at_site, membership.user
    partner = Partner.objects.select_related("sponsor__user").filter(user=user).first()
    reads_audit = may("user.read") or may("permission.read")
    return Person(
        currency=current_site().currency,
        roles=_roles(user) if may("role.read") or may("rbac.user_roles.manage") else None,
        place=_place(partner) if partner and (may("affiliate.read") or may("affiliate.manage")) else None,
        wallet=wallet_summary(user.pk) if may("payout.read") or may("billing.read") else None,
        bought=_bought(user) if may("order.read") or may("order.update") else None,
        earned=_earned(user) if may("commission.read") or may("commission.approve") else None,
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


def _acts(of: Q) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(of).order_by("-id")[:ACTS])


def _about(membership: Membership, partner: Partner | None) -> list[AuditEvent]:
    """What was done to the member, the login and the partner."""
    of = Q(target_type="accounts.membership", target_id=str(membership.pk))
    of |= Q(target_type="accounts.user", target_id=str(membership.user_id))
    if partner is not None:
        of |= Q(target_type="referrals.partner", target_id=str(partner.pk))
    return _acts(of)
