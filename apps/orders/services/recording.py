"""Orders that a shop reports after it was paid (X14)."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.services import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.ids import uuid7
from apps.orders.models import Customer, Order, OrderLine
from apps.orders.services.customers import CustomerIds, attribute_customer, find_or_create_customer
from apps.orders.services.owning import find_renewable
from apps.orders.services.payers import partner_of_buyer, upline_when_paid
from apps.orders.services.settling import settle
from apps.referrals.models import Partner
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
    period: str = ""
    renews: UUID | None = None

    @property
    def facts(self) -> dict[str, object]:
        """What was said. The later fields only where they were: reports from before they came stay the same reports."""
        told = asdict(self)
        return {name: value for name, value in told.items() if value or name not in ("period", "renews")}


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
        return digest({**asdict(self), "lines": [line.facts for line in self.lines]})


def digest(values: object) -> str:
    """Equal for equal values, whatever the order of their keys was."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


@transaction.atomic
def record_external_order(*, report: ExternalOrder, actor: Actor) -> tuple[Order, bool]:
    """A PAID order with its customer, lines and the upline as it stands now. Returns it, and whether it is new.

    Commissions follow from the event `order.paid` {order_id}. The same report again is the same order. Raises Invalid
    (currency_mismatch, paid_in_future, customer_unknown, referral_code_unknown, referral_code_inactive, service_unknown),
    Conflict (external_id_conflict, invalid_state).
    """
    _check(report)
    known = _known(report)
    if known is not None:
        return known, False
    customer = find_or_create_customer(report.customer)
    attribute_customer(customer=customer, code=report.referral_code, click_id=report.click_id)
    for number, line in enumerate(report.lines):
        if line.renews is not None:
            find_renewable(line.renews, customer, field=f"lines.{number}.renews")
    partner = partner_of_buyer(customer)
    try:
        with transaction.atomic():
            order, lines = _create(report, customer, partner)
    except IntegrityError:
        known = _known(report)  # reported twice at once
        if known is None:
            raise
        return known, False
    settle(order, lines, partner=partner, actor=actor, action="order.recorded")
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


def _create(report: ExternalOrder, customer: Customer, partner: Partner | None) -> tuple[Order, list[OrderLine]]:
    now = timezone.now()
    order = Order.objects.create(
        customer=customer, user_id=customer.user_id, external_id=report.external_id, fingerprint=report.fingerprint,
        amount=report.amount, currency=report.currency, status=Order.Status.PAID, upline=upline_when_paid(customer, partner),
        paid_at=report.paid_at or now, recorded_at=now,
    )  # fmt: skip
    ids = sorted(uuid7() for _ in report.lines)
    lines = [OrderLine(id=pk, order=order, **_columns(line)) for pk, line in zip(ids, report.lines, strict=True)]
    OrderLine.objects.bulk_create(lines)
    return order, lines


def _columns(line: ReportedLine) -> dict[str, object]:
    columns = asdict(line)
    columns["renews_id"] = columns.pop("renews")
    return columns
