"""Refusals of payouts, by the codes of api.md."""

from datetime import datetime

from apps.core.errors import Conflict, Denied
from apps.core.money import format_money


def payout_in_progress() -> Conflict:
    return Conflict("payout_in_progress", "One payout at a time. Another one is still open.")


def cooldown(until: datetime) -> Conflict:
    message = f"The next payout can be requested from {until:%d %B %Y, %H:%M} UTC."
    return Conflict("cooldown", message, retry_at=until.isoformat())


def below_minimum(minimum: int, currency: str) -> Conflict:
    return Conflict("below_minimum", f"A payout is at least {format_money(minimum, currency)}.", minimum=minimum)


def own_payout() -> Denied:
    return Denied("own_payout", "Somebody else has to decide your own payout.")


def partner_frozen() -> Conflict:
    return Conflict("partner_frozen", "This account is frozen. Nothing is paid out until staff have looked at it.")
