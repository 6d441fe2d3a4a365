"""A deposit through our own wallet is the event by itself; device and address are its payer's."""

from collections.abc import Sequence

from apps.audit.services import SYSTEM
from apps.bonuses.models import Event
from apps.bonuses.services.applying import FirstThing, apply_first_event
from apps.bonuses.services.crediting import follow_refund
from apps.core.models import OutboxEvent
from apps.wallet.models import Deposit


def reward_deposits(events: Sequence[OutboxEvent]) -> None:
    """Consumes `deposit.paid` {deposit_id}. A second delivery finds the event used up."""
    for event in events:
        # Held, so that a refund comes before, and is seen, or after, and finds the bonus.
        deposit = Deposit.objects.select_for_update(no_key=True).get(pk=event.payload["deposit_id"])
        thing = FirstThing(
            deposit.user_id, Event.FIRST_DEPOSIT, str(deposit.pk), deposit.amount, deposit.device_id,
            deposit.ip_address, deposit,
        )  # fmt: skip
        if not deposit.rest:
            continue
        bonus = apply_first_event(thing=thing, actor=SYSTEM).bonus
        if bonus is not None and deposit.refunded_amount:  # a part of it went back before anybody looked
            follow_refund(bonus, deposit)
