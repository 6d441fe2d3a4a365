"""Every write of allocations, their batches and transfers, and of who sends them."""

from apps.allocations.services.accounts import custody, set_custody_account
from apps.allocations.services.allocating import allocate_orders, follow_refunds
from apps.allocations.services.batches import retry_allocation, send_batch
from apps.allocations.services.events import handle_events
from apps.allocations.services.sending import push_transfer

__all__ = [
    "allocate_orders",
    "custody",
    "follow_refunds",
    "handle_events",
    "push_transfer",
    "retry_allocation",
    "send_batch",
    "set_custody_account",
]
