"""Orders paid by webhooks that come five times, in any order, and what must be there afterwards (R4, R6).

Shared by the suite, which runs it small, and bin/bench --soak. The oracle is arithmetic of its own: it knows the plan's rates and
the amounts, and nothing of how they got here.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.core.models import InboxEvent
from apps.orders.models import Customer, Order, OrderLine
from apps.payments.models import Payment
from apps.payments.tests.factories import charge_of, intent_of, make_account, make_payment, refund_of
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_chain
from apps.sites.selectors import current_site

RATES = ("0.10", "0.05", "0.025")
REFUNDED_FIRST, SECOND_ID = 0.05, 0.10  # parts of the orders
_numbers = count(1)


@dataclass(frozen=True)
class Sale:
    """An order that waits for its payment. `refunded` of it went back, which is told before it is told to be paid."""

    order_id: UUID
    payment: Payment
    amount: int
    refunded: int
    has_second_id: bool


def open_shop() -> Partner:
    """A plan of three levels and an account at Stripe, at the present site. Returns a buyer with three above."""
    make_plan(*percent(*RATES))
    make_account()
    return make_chain(len(RATES) + 1)[-1]


def sell(buyer: Partner, number: int, *, seed: int = 4, with_refunds: bool = True) -> list[Sale]:
    """So many orders of the buyer's. Every twentieth is refunded in part, every tenth is told of under two ids."""
    draw = random.Random(seed)
    customer, _ = Customer.objects.get_or_create(user_id=buyer.user_id)
    sales = []
    for place in range(number):
        amount = draw.randint(1, 1_000_000)
        order = Order.objects.create(
            customer=customer, user_id=buyer.user_id, source=Order.Source.CHECKOUT, amount=amount, currency="INR",
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
        OrderLine.objects.create(order=order, category="server", amount=amount)
        payment = make_payment(
            purpose="order", subject_id=order.pk, amount=amount, user_id=buyer.user_id, provider_id=f"pi_{order.pk.hex}"
        )
        goes_back = with_refunds and place % round(1 / REFUNDED_FIRST) == 0
        refunded = draw.randint(1, amount) if goes_back else 0
        sales.append(Sale(order.pk, payment, amount, refunded, place % round(1 / SECOND_ID) == 1))
    return sales


def deliveries(sales: Sequence[Sale], *, times: int = 5, seed: int = 4) -> list[dict[str, Any]]:
    """Every event `times` over, shuffled; what went back before what was paid. Inside the site's context."""
    draw = random.Random(seed)
    placed: list[tuple[float, dict[str, Any]]] = []
    for sale in sales:
        paid = [_event("payment_intent.succeeded", _intent(sale)) for _ in range(1 + sale.has_second_id)]
        middle = 0.5 if sale.refunded else 0.0
        placed += [(draw.uniform(middle, 1.0), paid[number % len(paid)]) for number in range(times)]
        if sale.refunded:
            back = [
                _event("charge.refunded", charge_of(sale.payment, sale.refunded)),
                _event("refund.created", refund_of(sale.payment, sale.refunded, f"re_{sale.order_id.hex}")),
            ]
            placed += [(draw.uniform(0.0, middle), one) for one in back for _ in range(times)]
    return [told for _, told in sorted(placed, key=lambda pair: pair[0])]


def paid(sale: Sale) -> dict[str, Any]:
    """The one event that matters."""
    return _event("payment_intent.succeeded", _intent(sale))


def _intent(sale: Sale) -> dict[str, Any]:
    return intent_of(sale.payment, metadata={"site": current_site().code, "payment_id": str(sale.payment.pk)})


def _event(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_storm_{next(_numbers)}_{found['id'][-12:]}", "object": "event", "type": kind, "livemode": False,
        "data": {"object": found},
    }  # fmt: skip


def differences(sales: Sequence[Sale]) -> list[str]:
    """What of the present site's rows is not as the oracle says. Empty is right."""
    orders = {order.pk: order for order in Order.objects.all()}
    payments = {payment.pk: payment for payment in Payment.objects.all()}
    rows: dict[UUID, list[tuple[int, int, int]]] = {}
    for row in Commission.objects.order_by("level"):
        rows.setdefault(row.order_id, []).append((row.level, row.original_amount, row.reversed_amount))
    found = []
    for sale in sales:
        order, payment = orders[sale.order_id], payments[sale.payment.pk]
        is_there = (order.status, order.refunded_amount, payment.status, payment.refunded_amount, rows.get(order.pk))
        should = (_status(sale), sale.refunded, "succeeded", sale.refunded, _commissions(sale) or None)
        if is_there != should:
            found.append(f"{order.pk}: {is_there}, and not {should}")
    return found


def waiting() -> int:
    return InboxEvent.objects.filter(status="received").count()


def _status(sale: Sale) -> str:
    if not sale.refunded:
        return "paid"
    return "refunded" if sale.refunded == sale.amount else "partially_refunded"


def _commissions(sale: Sale) -> list[tuple[int, int, int]]:
    """(level, original, reversed) of each level that is paid anything."""
    found = []
    for level, rate in enumerate(RATES, start=1):
        original = _half_up(sale.amount * Decimal(rate))
        if original:
            found.append((level, original, _half_up(Decimal(original) * sale.refunded / sale.amount)))
    return found


def _half_up(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
