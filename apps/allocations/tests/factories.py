"""Token orders, addresses and a custodian for tests, through the real services."""

from decimal import Decimal
from functools import cache
from itertools import count

from django.utils import timezone

from apps.accounts.services import add_address
from apps.allocations.models import Allocation, Transfer
from apps.allocations.services import push_transfer
from apps.audit.services import SYSTEM
from apps.core import outbox
from apps.core.tenancy import require_site_id
from apps.custody.services import set_custody_account
from apps.orders.models import Order, OrderLine
from apps.orders.services.customers import CustomerIds, find_or_create_customer
from apps.sites.selectors import current_site
from fakes.fireblocks.signing import new_key, private_pem, public_pem

_number = count(1)
API_KEY, WORKSPACE = "4f0e1c2a-alpha", "ws-alpha"


@cache
def key(name="site"):
    """An RSA key; the same for the same name in this process, since each takes a while to make."""
    return new_key()


def make_custody(**values):
    """ALPHA's account at the custodian: UPT on Ethereum."""
    defaults = {
        "api_key": API_KEY, "private_key": private_pem(key()), "webhook_key": public_pem(key("legacy")),
        "workspace_id": WORKSPACE, "vault_id": "7", "asset_id": "UPT_ETH", "symbol": "UPT", "network": "ethereum",
    }  # fmt: skip
    return set_custody_account(actor=SYSTEM, **(defaults | values))


def make_token_order(user=None, *tokens, amount=10_000):
    """A paid order with a line of `amount` for each of `tokens` (None: a line without). Call `deliver` after it."""
    number = next(_number)
    ids = CustomerIds(user_id=user.pk) if user else CustomerIds(email=f"guest{number}@example.com")
    customer = find_or_create_customer(ids)
    lines = tokens or ("100",)
    now = timezone.now()
    order = Order.objects.create(
        customer=customer, user_id=customer.user_id, external_id=f"tokens-{number}", fingerprint=str(number),
        amount=amount * len(lines), currency=current_site().currency, status=Order.Status.PAID, paid_at=now, recorded_at=now,
    )  # fmt: skip
    for each in lines:
        value = Decimal(each) if each is not None else None
        OrderLine.objects.create(order=order, category="token", amount=amount, tokens=value)
    outbox.publish("order.paid", key=str(order.pk), payload={"order_id": str(order.pk)})
    return order


def give_address(user, number=1, network="ethereum"):
    return add_address(user=user, network=network, address=f"0x{number:040x}")


def push_all():
    """One step of each transfer that is open, as if its time had come. Returns what was unknown."""
    from apps.custody.gateways import Unknown

    unknown = []
    for transfer in Transfer.objects.filter(status__in=Transfer.OPEN).order_by("id"):
        Transfer.objects.filter(pk=transfer.pk).update(next_at=timezone.now())
        try:
            push_transfer(site_id=require_site_id(), transfer_id=transfer.pk)
        except Unknown as error:
            unknown.append(str(error))
    return unknown


def states():
    """{state: how many allocations}"""
    found = {}
    for status in Allocation.objects.order_by("id").values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found
