"""What the custodian says of our transfers (apps.custody.senders)."""

from uuid import UUID

from apps.allocations.models import Transfer
from apps.allocations.services.sending import apply_report, locked
from apps.custody.gateways import Reported


def take_report(told: Reported) -> str | None:
    """None where no transfer of this site's has that id: another site's is as unknown as one that nobody has."""
    try:
        pk = UUID(told.external_tx_id)
    except ValueError:
        return None
    if not Transfer.objects.filter(pk=pk).exists():
        return None
    return apply_report(locked(pk), told)
