"""Who stands above the buyer at the moment an order is recorded as paid. It never changes afterwards (X6)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import accumulate

from apps.orders.models import Customer
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.selectors import UplineMember, upline_snapshot, upline_through


def partner_of_buyer(customer: Customer) -> Partner | None:
    """The buyer's own place in the tree; None for a guest, and for a member who is no partner."""
    return Partner.objects.filter(user_id=customer.user_id).first() if customer.user_id else None


def upline_when_paid(customer: Customer, partner: Partner | None) -> list[dict[str, object]]:
    """A member's own upline; for a guest the partner who brought them is level 1."""
    members: Sequence[UplineMember] = []
    if customer.user_id is not None:
        members = _far_enough(upline_snapshot, partner) if partner is not None else []
    elif customer.partner is not None:
        members = _far_enough(upline_through, customer.partner)
    return [
        {**asdict(member), "partner_id": str(member.partner_id), "user_id": str(member.user_id)} for member in members
    ]


def _far_enough(read: Callable[..., Sequence[UplineMember]], partner: Partner) -> Sequence[UplineMember]:
    """Up to the twentieth who is not skipped: compression moves everybody above an inactive partner down a level.

    Mostly the twenty nearest, in one query; only where somebody among them is inactive is the rest of the chain read.
    """
    nearest = read(partner, depth=MAX_LEVEL)
    if len(nearest) < MAX_LEVEL or not any(_is_skipped(member) for member in nearest):
        return nearest
    whole = read(partner, depth=partner.depth)
    counted = list(accumulate(not _is_skipped(member) for member in whole))
    return [member for member, before in zip(whole, [0, *counted], strict=False) if before < MAX_LEVEL]


def _is_skipped(member: UplineMember) -> bool:
    return member.status in (Partner.Status.PENDING, Partner.Status.INACTIVE)
