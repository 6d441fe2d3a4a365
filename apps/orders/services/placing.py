"""Orders of our own checkout, from the basket to the end of the time to pay (P8, P9).

Prices come from our rows only. The units are taken when the order is placed and are its own until it lapses.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.services import Actor
from apps.catalogue import services as catalogue
from apps.catalogue.models import Product
from apps.catalogue.services.products import ACTIVATION
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.ids import uuid7
from apps.core.money import MAX_AMOUNT
from apps.orders.models import Customer, Order, OrderLine, Service
from apps.orders.services.customers import CustomerIds, find_or_create_customer
from apps.orders.services.owning import find_renewable
from apps.payments.models import Payment
from apps.payments.services import open_payment, payment_of
from apps.referrals.models import Partner
from apps.sites.models import SiteSettings
from apps.sites.selectors import current_site, site_settings

PURPOSE = "order"
MAX_QUANTITY = 1_000_000
MAX_TOKENS = 10**15
"""Of one line: a hundred of them still fit the columns that sum them."""


@dataclass(frozen=True)
class Item:
    """So many of a product; with `renews`, another period of a service the buyer has."""

    sku: str
    quantity: int = 1
    renews: UUID | None = None


@transaction.atomic
def place_order(*, user: User, items: Sequence[Item]) -> tuple[Order, Payment]:
    """A PENDING order with what it takes from stock, and the payment that is to be opened for it.

    The same sku twice is one line. Raises Invalid (product_unknown, amount_too_large, service_unknown) naming the item, Conflict
    (sold_out, payments_unavailable, invalid_state): then nothing is taken.
    """
    customer = find_or_create_customer(CustomerIds(user_id=user.pk, email=user.email))
    wanted = _merged(items)
    products = _products(items)
    lines = [_line(products[item.sku], item, _renewable(item, items, customer)) for item in wanted]
    if sum(line.amount for line in lines) > MAX_AMOUNT:
        raise Invalid("amount_too_large", "This is more than one order can be.", field="items")
    new = [line for line in lines if line.renews is None]  # what is renewed was taken when it was bought
    taken = catalogue.take_units(_units(new, "quantity"))
    for line in new:
        line.reserved = line.quantity if line.product_id and taken[line.product_id] else 0
    return _open(user, customer, lines, products[wanted[0].sku].name)


@transaction.atomic
def subscribe(*, user: User) -> tuple[Order, Payment]:
    """The order for a partner's activation fee (H5): the one that waits for its payment, or a new one.

    Raises NotFound for who has no place in the tree, Conflict (invalid_state: not waiting, or nothing to pay here;
    payments_unavailable).
    """
    partner = Partner.objects.people().select_for_update(no_key=True).filter(user=user).first()
    if partner is None:
        raise NotFound()
    if partner.status != Partner.Status.PENDING:
        raise Conflict("invalid_state", f"This partner is {partner.status}.")
    settings = site_settings()
    if settings.activation != SiteSettings.Activation.REQUIRED or not settings.activation_fee:
        raise Conflict("invalid_state", "Nobody pays to become a partner here.")
    customer = find_or_create_customer(CustomerIds(user_id=user.pk, email=user.email))
    known = _open_fee(customer)
    if known is not None:
        return known, open_payment_of(known)
    name = "Partner activation"
    line = OrderLine(category=ACTIVATION, name=name, quantity=1, amount=settings.activation_fee)
    return _open(user, customer, [line], name)


def open_payment_of(order: Order) -> Payment:
    return payment_of(PURPOSE, order.pk)


def _open_fee(customer: Customer) -> Order | None:
    fees = Order.objects.filter(customer=customer, source=Order.Source.CHECKOUT, lines__category=ACTIVATION)
    return fees.filter(status__in=Order.PAYABLE, expires_at__gt=timezone.now()).order_by("-id").first()


def _merged(items: Sequence[Item]) -> list[Item]:
    """One for each product and service renewed, in the order they were first named. Raises Invalid (too many)."""
    quantities: dict[tuple[str, UUID | None], int] = defaultdict(int)
    for item in items:
        quantities[item.sku, item.renews] += item.quantity
    for number, item in enumerate(items):
        if quantities[item.sku, item.renews] > MAX_QUANTITY:
            raise Invalid("invalid", f"At most {MAX_QUANTITY} of one.", field=f"items.{number}.quantity")
    return [Item(sku, quantity, renews) for (sku, renews), quantity in quantities.items()]


def _products(items: Sequence[Item]) -> dict[str, Product]:
    """What is on sale of it. Raises Invalid product_unknown, of what isn't as of what never was."""
    skus = {item.sku for item in items}
    found = {product.sku: product for product in Product.objects.filter(sku__in=skus, is_active=True)}
    for number, item in enumerate(items):
        if item.sku not in found:
            raise Invalid("product_unknown", f"{item.sku} is not on sale here.", field=f"items.{number}.sku")
    return found


def _renewable(item: Item, items: Sequence[Item], customer: Customer) -> Service | None:
    if item.renews is None:
        return None
    number = next(number for number, each in enumerate(items) if each.renews == item.renews)
    service = find_renewable(item.renews, customer, field=f"items.{number}.renews")
    if service.sku != item.sku or service.quantity != item.quantity:
        message = f"This service is {service.quantity} of {service.sku or service.category}."
        raise Invalid("service_unknown", message, field=f"items.{number}.renews")
    return service


def _line(product: Product, item: Item, renews: Service | None) -> OrderLine:
    amount, tokens = product.price * item.quantity, _tokens(product, item.quantity)
    if amount > MAX_AMOUNT or (tokens or 0) > MAX_TOKENS:
        raise Invalid("amount_too_large", "This is more than one order can be.", field="items")
    return OrderLine(
        product=product, category=product.category, sku=product.sku, name=product.name, quantity=item.quantity, amount=amount,
        tokens=tokens, period=product.period, renews=renews,
    )  # fmt: skip


def _tokens(product: Product, quantity: int) -> Decimal | None:
    """To the last of 18 places; the usual 28 digits would round."""
    with localcontext() as exact:
        exact.prec = 60
        return None if product.tokens is None else product.tokens * quantity


def _open(user: User, customer: Customer, lines: Sequence[OrderLine], name: str) -> tuple[Order, Payment]:
    now, amount = timezone.now(), sum(line.amount for line in lines)
    order = Order.objects.create(
        customer=customer, user=user, source=Order.Source.CHECKOUT, amount=amount, currency=current_site().currency,
        created_at=now, expires_at=now + timedelta(minutes=site_settings().order_minutes),
    )  # fmt: skip
    for pk, line in zip(sorted(uuid7() for _ in lines), lines, strict=True):
        line.pk, line.order = pk, order
    OrderLine.objects.bulk_create(lines)
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    payment = open_payment(
        purpose=PURPOSE, subject_id=order.pk, amount=amount, description=f"{name}{more}", user=user
    )  # fmt: skip
    audit.record(actor=user, action="order.placed", target=order, after={"amount": amount, "currency": order.currency})
    return order, payment


def _units(lines: Iterable[OrderLine], column: str) -> dict[UUID, int]:
    """{product: units}, of `quantity` or of what was `reserved`."""
    units: dict[UUID, int] = defaultdict(int)
    for line in lines:
        if line.product_id:
            units[line.product_id] += getattr(line, column)
    return units


@transaction.atomic
def give_up_order(*, order: Order, actor: Actor, reason: str) -> bool:
    """PENDING, FAILED -> CANCELLED, and its units go back to stock. False, unchanged, in any other state.

    Its payment has to be cancelled before, in the same transaction: whoever pays it now is given the money back.
    """
    order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if order.status not in Order.PAYABLE:
        return False
    order.advance(to=Order.Status.CANCELLED)
    order.save(update_fields=["status"])
    catalogue.put_back(_units(OrderLine.objects.filter(order=order, reserved__gt=0), "reserved"))
    audit.record(actor=actor, action="order.cancelled", target=order, reason=reason)
    return True
