"""Orders for tests, through the real services."""

from itertools import count

from apps.audit.services import SYSTEM
from apps.orders.models import Order, Refund
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services import refund_order as refund
from apps.orders.services.customers import CustomerIds
from apps.referrals.models import Partner

_number = count(1)


def make_report(
    *lines: tuple, buyer: Partner | None = None, below: Partner | None = None, currency="INR", **kwargs
) -> ExternalOrder:
    """What a shop would send: of a member, of a guest below somebody, or of a guest nobody brought. Lines as `make_order`'s."""
    number = next(_number)
    ids = CustomerIds(user_id=buyer.user_id) if buyer else CustomerIds(email=f"guest{number}@example.com")
    return ExternalOrder(
        external_id=kwargs.pop("external_id", f"order-{number}"),
        customer=kwargs.pop("customer", ids),
        currency=currency,
        lines=tuple(
            ReportedLine(category, amount, *rest) for category, amount, *rest in lines or [("anything", 100_000)]
        ),
        referral_code=below.code if below else "",
        **kwargs,
    )


def make_order(buyer: Partner | None = None, *lines: tuple, **kwargs) -> Order:
    """A paid order. `lines` are (category, amount, quantity=1)."""
    return record_external_order(report=make_report(*lines, buyer=buyer, **kwargs), actor=SYSTEM)[0]


def refund_order(order: Order, amount: int | None = None, *, external_id: str = "") -> Refund:
    """Refund so much of an order, all that is left without an amount."""
    return refund(order=order, external_id=external_id or f"refund-{next(_number)}", amount=amount, actor=SYSTEM)[0]
