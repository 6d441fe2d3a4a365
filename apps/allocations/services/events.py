"""What the custodian says of our transfers (apps.custody.senders)."""

from apps.allocations.models import Transfer
from apps.allocations.services.sending import apply_report, locked
from apps.core.ids import read_uuid
from apps.custody.gateways import Reported


def take_report(told: Reported) -> str | None:
    """None where no transfer of this site's has that id: another site's is as unknown as one that nobody has."""
    pk = read_uuid(told.external_tx_id)
    if pk is None or not Transfer.objects.filter(pk=pk).exists():
        return None
    return apply_report(locked(pk), told)
