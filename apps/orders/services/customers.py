"""Who an order is from, and whom they are credited to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Membership
from apps.core.errors import Conflict, Invalid
from apps.orders.models import Customer
from apps.referrals.models import Conversion, Partner
from apps.referrals.services import attribute, record_conversion

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class CustomerIds:
    """What a shop knows of a buyer; at least one of the three."""

    user_id: UUID | None = None
    external_id: str | None = None
    email: str = ""


def find_or_create_customer(ids: CustomerIds) -> Customer:
    """The customer, locked until the transaction ends: by user_id, then external_id, then e-mail.

    An e-mail of a member is that member. Raises Invalid customer_unknown for a user who is no member of the site.
    """
    member_id = _member_id(ids)
    for _ in range(3):
        try:
            with transaction.atomic():
                return _find_or_create(ids, member_id)
        except IntegrityError:
            continue  # somebody made them meanwhile
    raise Conflict("busy", "This customer is being changed. Try again.")


def _member_id(ids: CustomerIds) -> UUID | None:
    if ids.user_id is not None:
        if not Membership.objects.filter(user_id=ids.user_id).exists():
            raise Invalid("customer_unknown", "No member of this site has this id.", field="customer.user_id")
        return ids.user_id
    if not ids.email:
        return None
    return Membership.objects.filter(user__email=ids.email).values_list("user_id", flat=True).first()


def _find_or_create(ids: CustomerIds, member_id: UUID | None) -> Customer:
    """One query for all that match, locked in the order of their ids."""
    wanted = [
        condition
        for known, condition in (
            (ids.external_id, Q(external_id=ids.external_id)),
            (ids.email, Q(email=ids.email)),
            (member_id, Q(user_id=member_id)),
        )
        if known
    ]
    rows = list(Customer.objects.filter(reduce(or_, wanted)).order_by("pk").select_for_update(no_key=True))
    by_user = next((row for row in rows if member_id and row.user_id == member_id), None)
    by_external = next((row for row in rows if ids.external_id and row.external_id == ids.external_id), None)
    by_email = next((row for row in rows if ids.email and row.email == ids.email), None)
    if ids.user_id is not None:
        # The shop's id of somebody else says less than the user it names.
        found = by_user or _guest(by_external) or _guest(by_email)
    else:
        found = by_external or by_user or by_email
    news = {
        "user_id": member_id if by_user is None else None,
        "external_id": ids.external_id if by_external is None else None,
        "email": ids.email if by_email is None else "",
    }
    return Customer.objects.create(**news) if found is None else _complete(found, news)


def _guest(customer: Customer | None) -> Customer | None:
    return customer if customer is not None and customer.user_id is None else None


def _complete(customer: Customer, news: Mapping[str, object]) -> Customer:
    """Add what this order tells and nobody else has. What we knew is never overwritten."""
    changed = [name for name, value in news.items() if value and not getattr(customer, name)]
    for name in changed:
        setattr(customer, name, news[name])
    if changed:
        customer.save(update_fields=changed)
    return customer


def attribute_customer(*, customer: Customer, code: str, click_id: str) -> None:
    """Bind a guest to the partner who brought them, by their first attributed order and for ever.

    Members and guests bound before ignore code and click. Raises Invalid (referral_code_unknown, referral_code_inactive).
    """
    if customer.user_id is not None or customer.partner_id is not None:
        return
    found = attribute(code=code, click_id=click_id)
    if found is None:
        return
    customer.partner, customer.click, customer.attributed_at = found.partner, found.click, timezone.now()
    customer.save(update_fields=["partner", "click", "attributed_at"])
    record_conversion(attribution=found, kind=Conversion.Kind.BUYER, subject_id=customer.pk)


@transaction.atomic
def bind_customer_to_member(*, user: "User", partner: Partner | None) -> Customer | None:
    """A guest has registered: from now on their purchases are the member's, known by the same e-mail.

    What they bought before counts for activation (H5). None when the e-mail bought nothing here. Idempotent.
    """
    from apps.orders.services.activation import activate_by_history

    customer = Customer.objects.filter(email=user.email, user=None).select_for_update(no_key=True).first()
    if customer is None or Customer.objects.filter(user=user).exists():
        return None
    customer.user = user
    customer.save(update_fields=["user"])
    if partner is not None:
        activate_by_history(partner=partner, customer=customer)
    return customer
