"""AUCTION's story: an agent, rules, and a bonus in every state, by the same services as real use."""

from collections.abc import Iterator
from typing import Any

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus
from apps.bonuses.services import apply_first_event, decide_bonus, freeze_bonus
from apps.bonuses.services.applying import first_bid, first_deposit
from apps.onboarding.services import Newcomer, register
from apps.referrals.models import Partner
from apps.referrals.services import set_partner_kind

RULES: tuple[dict[str, Any], ...] = (
    {"type": "first_deposit", "kind": "percent", "value": "0.05", "min_deposit": 50_000, "auto_credit": True},
    {"type": "first_bid", "kind": "fixed", "value": 2_500},
    {"type": "agent_first_deposit", "kind": "percent", "value": "0.08"},
    {"type": "agent_first_bid", "kind": "fixed", "value": 5_000},
)
GUESTS = ("Gauri Kulkarni", "Harsh Vora", "Irfan Malik", "Jaya Prasad", "Kabir Sethi", "Lalita Ghosh", "Madhav Joshi")


def hire_agent(*, domain: str, password: str) -> Partner:
    """agent@: their bonuses follow the agents' rules."""
    _, agent = register(Newcomer(email=f"agent@{domain}", password=password, full_name="Asha Agarwal"))
    set_partner_kind(partner=agent, kind=Partner.Kind.AGENT, reason="Brings bidders to the sale room.", actor=SYSTEM)
    return Partner.objects.get(pk=agent.pk)


def bring(sponsor: Partner, *, domain: str, password: str, prefix: str) -> Iterator[User]:
    for number, name in enumerate(GUESTS, start=1):
        newcomer = Newcomer(
            email=f"{prefix}{number:02}@{domain}", password=password, full_name=name, referral_code=sponsor.code
        )
        yield register(newcomer)[0]


def reward(people: list[User], *, staff: dict[str, User], prefix: str) -> None:
    """Deposits and bids of these people, who all came by one referrer, and what staff decided about them.

    Credited, approved, rejected and waiting; frozen by staff, and frozen because a device came for the third time.
    """
    made: list[Bonus] = []
    for number, user in enumerate(people, start=1):
        device = "tablet-in-the-lobby" if number > len(people) - 3 else f"{prefix}-phone-{number}"
        address = f"198.51.100.{100 + number}"
        if number % 2:
            thing = first_bid(
                user_id=user.pk, ref=f"bid-{prefix}-{number}", amount=0, device_id=device, ip_address=address
            )
        else:
            amount = 60_000 + 15_000 * number
            thing = first_deposit(
                user_id=user.pk, ref=f"wt-{prefix}-{number}", amount=amount, device_id=device, ip_address=address
            )
        bonus = apply_first_event(thing=thing, actor=SYSTEM).bonus
        if bonus is not None and bonus.approval_mode == Bonus.Approval.MANUAL and bonus.status == Bonus.Status.PENDING:
            made.append(bonus)
    decide = staff["admin"]
    statuses = (
        ("approved", "rejected", "credited") if len(made) > 3 else ("approved", "rejected")
    )  # one goes on waiting
    for bonus, status in zip(made, statuses, strict=False):
        reason = "Bids from the same household." if status == "rejected" else ""
        decide_bonus(bonus=bonus, status=status, reason=reason, actor=decide)
    if len(made) > 3:
        freeze_bonus(bonus=made[3], fraud_notes="The same card as another bidder.", actor=decide)
