"""What gateways say by themselves: Stripe's and the custodian's webhooks, at the doors of the apps below."""

from typing import Any

from apps.core.ids import read_uuid
from apps.custody import gateways as custody
from apps.payments.transfers import read_transfer
from apps.payouts.gateways import Reported
from apps.payouts.gateways.fireblocks import reported as from_custodian
from apps.payouts.gateways.stripe_connect import reported as from_stripe
from apps.payouts.models import PayoutTransfer
from apps.payouts.services.sending import apply_report, locked
from apps.sites.selectors import current_site


def take_custody_report(told: custody.Reported) -> str | None:
    """None where no payout of this site's has that id (apps.custody.senders)."""
    return _apply("fireblocks", from_custodian(told, current_site().currency))


def take_stripe_transfer(found: dict[str, Any], account_id: str) -> str | None:
    """`transfer.created`, `transfer.reversed`, `transfer.updated` of the account that signed it (payments.services.events)."""
    made = read_transfer(found)
    return _apply("stripe_connect", from_stripe(made), account=account_id) if made is not None else None


def _apply(gateway: str, told: Reported, **more: str) -> str | None:
    payout_id = read_uuid(told.key)
    if payout_id is None:
        return None
    rows = PayoutTransfer.objects.filter(payout_id=payout_id, gateway=gateway, **more)
    pk = rows.values_list("pk", flat=True).first()
    return apply_report(locked(pk), told) if pk is not None else None
