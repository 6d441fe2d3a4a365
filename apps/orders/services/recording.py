"""Orders that a shop reports after it was paid (X14)."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.services import Actor
from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.core.ids import uuid7
from apps.orders.models import Customer, Order, OrderLine
from apps.orders.services.activation import activate_by_purchase
from apps.orders.services.customers import CustomerIds, attribute_customer, find_or_create_customer
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.selectors import UplineMember, upline_snapshot, upline_through
from apps.sites.selectors import current_site

CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class ReportedLine:
    """`amount` is the line's total in minor units."""

    category: str
    amount: int
    quantity: int = 1
    sku: str = ""
    name: str = ""


@dataclass(frozen=True)
class ExternalOrder:
    """What the shop says. Two reports are the same when all of it is."""

    external_id: str
    customer: CustomerIds
    currency: str
    lines: tuple[ReportedLine, ...]
    click_id: str = ""
    referral_code: str = ""
    paid_at: datetime | None = None

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def fingerprint(self) -> str:
        return digest(asdict(self))


def digest(values: object) -> str:
    """Equal for equal values, whatever the order of their keys was."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


@transaction.atomic
def record_external_order(*, report: ExternalOrder, actor: Actor) -> tuple[Order, bool]:
    """A PAID order with its customer, lines and the upline as it stands now. Returns it, and whether it is new.

    Commissions follow from the event `order.paid` {order_id}. The same report again is the same order. Raises Invalid
    (currency_mismatch, paid_in_future, customer_unknown, referral_code_unknown, referral_code_inactive), Conflict
    (external_id_conflict).
    """
    _check(report)
    known = _known(report)
    if known is not None:
        return known, False
    customer = find_or_create_customer(report.customer)
    attribute_customer(customer=customer, code=report.referral_code, click_id=report.click_id)
    partner = Partner.objects.filter(user_id=customer.user_id).first() if customer.user_id else None
    try:
        with transaction.atomic():
            order = _create(report, customer, partner)
    except IntegrityError:
        known = _known(report)  # reported twice at once
        if known is None:
            raise
        return known, False
    if partner is not None:
        activate_by_purchase(partner=partner, order=order, categories=[line.category for line in report.lines])
    audit.record(
        actor=actor, action="order.recorded", target=order, after={"amount": order.amount, "currency": order.currency}
    )
    outbox.publish("order.paid", key=str(order.pk), payload={"order_id": str(order.pk)})
    return order, True


def _check(report: ExternalOrder) -> None:
    currency = current_site().currency
    if report.currency != currency:
        raise Invalid("currency_mismatch", f"This site trades in {currency}.", field="currency")
    if report.paid_at is not None and report.paid_at > timezone.now() + CLOCK_SKEW:
        raise Invalid("paid_in_future", "An order is reported after it was paid.", field="paid_at")


def _known(report: ExternalOrder) -> Order | None:
    """Raises Conflict when the id came with another report."""
    order = Order.objects.select_related("customer").filter(external_id=report.external_id).first()
    if order is not None and order.fingerprint != report.fingerprint:
        raise Conflict(
            "external_id_conflict", "This order was reported before, with other contents.", field="external_id"
        )
    return order


def _create(report: ExternalOrder, customer: Customer, partner: Partner | None) -> Order:
    now = timezone.now()
    order = Order.objects.create(
        customer=customer, user_id=customer.user_id, external_id=report.external_id, fingerprint=report.fingerprint,
        amount=report.amount, currency=report.currency, status=Order.Status.PAID, upline=_upline(customer, partner),
        paid_at=report.paid_at or now, recorded_at=now,
    )  # fmt: skip
    ids = sorted(uuid7() for _ in report.lines)
    lines = zip(ids, report.lines, strict=True)
    OrderLine.objects.bulk_create([OrderLine(id=pk, order=order, **asdict(line)) for pk, line in lines])
    return order


def _upline(customer: Customer, partner: Partner | None) -> list[dict[str, object]]:
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
