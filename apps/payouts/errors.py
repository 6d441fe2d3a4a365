"""Refusals of payouts, by the codes of api.md."""

from datetime import datetime
from zoneinfo import ZoneInfo

from apps.core.errors import Conflict, Denied
from apps.core.money import format_money
from apps.sites.selectors import current_site

FROZEN = "partner_frozen"


def payout_in_progress() -> Conflict:
    return Conflict("payout_in_progress", "One payout at a time. Another one is still open.")


def cooldown(until: datetime) -> Conflict:
    """Of the last payout."""
    return _not_before(until, "The next payout can be requested from {}.")


def method_rests(until: datetime) -> Conflict:
    """The same code: whoever asks waits, and `retry_at` says how long."""
    return _not_before(until, "This payout method is new, so it rests for your safety. It can be used from {}.")


def _not_before(until: datetime, message: str) -> Conflict:
    """The moment is told in the site's own time, `retry_at` in UTC."""
    local = until.astimezone(ZoneInfo(current_site().time_zone))
    return Conflict("cooldown", message.format(f"{local:%d %B %Y, %H:%M %Z}"), retry_at=until.isoformat())


def method_not_ready(state: str) -> Conflict:
    return Conflict("method_not_ready", f"Nothing can go to this payout method yet. {state}.")


def method_removed() -> Conflict:
    return Conflict(
        "method_not_ready", "The owner of this payout method has removed it. Let them ask for another payout."
    )


def below_minimum(minimum: int, currency: str) -> Conflict:
    return Conflict("below_minimum", f"A payout is at least {format_money(minimum, currency)}.", minimum=minimum)


def own_payout() -> Denied:
    return Denied("own_payout", "Somebody else has to decide your own payout.")


def four_eyes() -> Denied:
    return Denied("four_eyes", "This site wants two people for a payout: whoever approved it can't mark it as paid.")


def partner_frozen() -> Conflict:
    return Conflict(FROZEN, "This account is frozen. Nothing is paid out until staff have looked at it.")


def already_retried() -> Conflict:
    return Conflict("already_retried", "This payout was tried again already.")


def nothing_to_pay() -> Conflict:
    return Conflict("nothing_to_pay", "There is nobody to pay.")


def batch_changed() -> Conflict:
    return Conflict("batch_changed", "The batch is not what you saw any more. Look at it again.")


def results_running() -> Conflict:
    return Conflict("results_running", "An earlier file of this batch is being booked. Wait until it is done.")


def own_batch() -> Denied:
    return Denied("own_batch", "A batch is approved by somebody else than who proposed it.")
