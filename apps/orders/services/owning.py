"""What a buyer owns for a time, from its payment to its end (H10)."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.services import Actor
from apps.catalogue.models import Product
from apps.core import outbox
from apps.core.errors import Conflict, Invalid
from apps.orders.models import Customer, Order, OrderLine, Service

Status = Service.Status
MONTHS = {Product.Period.MONTH: 1, Product.Period.YEAR: 12}
LAST_YEAR = 9000
"""Renewals in advance end somewhere: a datetime does."""


def give_services(order: Order, lines: Sequence[OrderLine]) -> None:
    """The order is paid: what its lines made or renewed. Once for each order, in the transaction that paid it."""
    for line in lines:
        if line.period or line.renews_id:
            _give(order, line)


def find_renewable(pk: UUID, customer: Customer, *, field: str) -> Service:
    """The buyer's own service. Raises Invalid service_unknown for anybody else's, Conflict invalid_state for a cancelled one."""
    service = Service.objects.filter(pk=pk, customer=customer).first()
    if service is None:
        raise Invalid("service_unknown", "This buyer owns no such service.", field=field)
    if service.status == Status.CANCELLED:
        raise Conflict("invalid_state", "This service was cancelled; buy it anew.", field=field)
    return service


def _give(order: Order, line: OrderLine) -> None:
    """Cancelled between the order and its payment, the service is not revived: the money buys a new one."""
    now = timezone.now()
    known = Service.objects.select_for_update(no_key=True).get(pk=line.renews_id) if line.renews_id else None
    if known is not None and known.status != Status.CANCELLED:
        known.cycles += 1
        known.ends_at = after(max(known.ends_at, now), known.period)
        if known.status == Status.EXPIRED:
            known.advance(to=Status.ACTIVE)
        known.save(update_fields=["cycles", "ends_at", "status"])
        line.cycle = known.cycles
        line.save(update_fields=["cycle"])
        return
    started, period = order.paid_at or now, line.period or (known.period if known is not None else "")
    Service.objects.create(
        line=line, customer=order.customer, product_id=line.product_id, category=line.category, sku=line.sku, name=line.name,
        quantity=line.quantity, period=period, started_at=started, ends_at=after(started, period),
    )  # fmt: skip


def after(moment: datetime, period: str) -> datetime:
    """The same day of the next month or year, or its last: a month from 31 January ends with February."""
    return _moved(moment, MONTHS[Product.Period(period)])


def before(moment: datetime, period: str) -> datetime:
    """A period earlier, as `after` counts."""
    return _moved(moment, -MONTHS[Product.Period(period)])


def _moved(moment: datetime, by: int) -> datetime:
    months = moment.month - 1 + by
    year, month = moment.year + months // 12, months % 12 + 1
    if year > LAST_YEAR:
        raise Conflict("invalid_state", "This service is paid for long enough.")
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


@transaction.atomic
def cancel_service(*, service: Service, actor: Actor, reason: str = "") -> Service:
    """ACTIVE, EXPIRED -> CANCELLED. Nothing goes back: that is a refund. Cancelled already: nothing happens."""
    service = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    if service.status == Status.CANCELLED:
        return service
    service.advance(to=Status.CANCELLED)
    service.cancelled_at = timezone.now()
    service.save(update_fields=["status", "cancelled_at"])
    audit.record(actor=actor, action="service.cancelled", target=service, reason=reason)
    outbox.publish("service.cancelled", key=str(service.pk), payload={"service_id": str(service.pk)})
    return service


def cancel_by_refund(*, order: Order) -> None:
    """`order` went back in full: what it bought is over. What it only renewed keeps what was paid for before, and ends then."""
    made = Service.objects.filter(line__order=order).exclude(status=Status.CANCELLED).order_by("id")
    for service in made:
        cancel_service(service=service, actor=audit.SYSTEM, reason=f"Order {order} was refunded.")
    renewals = OrderLine.objects.filter(order=order, renews__isnull=False, cycle__gt=1)
    for pk in renewals.order_by("renews_id").values_list("renews_id", flat=True):
        renewed = Service.objects.select_for_update(no_key=True).get(pk=pk)
        renewed.ends_at = before(renewed.ends_at, renewed.period)
        renewed.save(update_fields=["ends_at"])


@transaction.atomic
def expire_services(*, limit: int = 500) -> int:
    """ACTIVE -> EXPIRED where what was paid for is over. Returns how many."""
    over = Service.objects.filter(status=Status.ACTIVE, ends_at__lte=timezone.now()).order_by("ends_at", "id")
    ids = list(over.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:limit])
    Service.objects.filter(pk__in=ids).update(status=Status.EXPIRED)
    return len(ids)
