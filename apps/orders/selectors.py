"""Reads of orders that join."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import F, Sum

from apps.orders.models import Order
from apps.referrals.models import Partner
from apps.referrals.selectors import Person


def attributed_partner(email: str) -> Partner | None:
    """Who brought the guest of this e-mail: their sponsor when they register without a code (settled.md). Active ones only."""
    return Partner.objects.filter(customers__email=email, customers__user=None, status=Partner.Status.ACTIVE).first()


def purchases_by_partner(viewer: Partner | None, partners: Sequence[Person]) -> Mapping[UUID, int]:
    """{partner: what they paid, refunds taken off}, for the rows of a tree page. One query."""
    by_user = {partner.user_id: partner.pk for partner in partners if partner.user_id}
    paid = Order.objects.filter(customer__user_id__in=by_user, status__in=Order.REFUNDABLE).order_by()
    rows = paid.values_list("customer__user_id").annotate(total=Sum(F("amount") - F("refunded_amount")))
    return {by_user[user_id]: total for user_id, total in rows}
