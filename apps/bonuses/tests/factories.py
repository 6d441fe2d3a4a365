"""Referrers, the people they referred, rules and events."""

from itertools import count

from apps.audit.services import SYSTEM
from apps.bonuses.services import apply_first_event, set_rule
from apps.bonuses.services.applying import first_bid, first_deposit
from apps.referrals.tests.factories import make_partner

_numbers = count(1)

RULES = (
    {"type": "first_deposit", "kind": "percent", "value": "0.05", "min_deposit": 50_000, "auto_credit": True},
    {"type": "first_bid", "kind": "fixed", "value": 2_500},
    {"type": "agent_first_deposit", "kind": "percent", "value": "0.08"},
    {"type": "agent_first_bid", "kind": "fixed", "value": 5_000},
)


def make_rules(*rules):
    for values in rules or RULES:
        set_rule(**values, actor=SYSTEM)


def deposit(partner, amount=100_000, *, device="", ip="", ref=""):
    """The first deposit of this partner, as a service reports it."""
    thing = first_deposit(
        user_id=partner.user_id, amount=amount, ref=ref or f"tx-{next(_numbers)}", device_id=device, ip_address=ip
    )
    return apply_first_event(thing=thing, actor=SYSTEM)


def bid(partner, amount=0, *, device="", ip="", ref=""):
    thing = first_bid(
        user_id=partner.user_id, amount=amount, ref=ref or f"bid-{next(_numbers)}", device_id=device, ip_address=ip
    )
    return apply_first_event(thing=thing, actor=SYSTEM)


def referred_by(sponsor, number=1):
    made = [make_partner(sponsor) for _ in range(number)]
    return made[0] if number == 1 else made
