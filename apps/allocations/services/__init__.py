"""Every write of allocations, their batches and transfers."""

from apps.allocations.services.allocating import allocate_orders, follow_refunds
from apps.allocations.services.batches import retry_allocation, send_batch
from apps.allocations.services.events import take_report
from apps.allocations.services.sending import push_transfer, settle_difference

__all__ = [
    "allocate_orders",
    "follow_refunds",
    "push_transfer",
    "retry_allocation",
    "send_batch",
    "settle_difference",
    "take_report",
]
