"""Short ways to say a plan, a line and an upline in the tests of the engine."""

from decimal import Decimal
from uuid import UUID, uuid5

from apps.commissions.engine import Ancestor, Kind, Line, Rule, RuleBook, Terms

NAMES = UUID("018f0000-0000-7000-8000-000000000000")


def uid(name):
    return uuid5(NAMES, name)


def percent(*rates, category="*", cap=None):
    """One rule for each level from 1 on; None leaves a level out."""
    return tuple(
        Rule(category, level, Kind.PERCENT, Decimal(rate), cap)
        for level, rate in enumerate(rates, start=1)
        if rate is not None
    )


def flat(*amounts, category="*", cap=None):
    return tuple(Rule(category, level, Kind.FLAT, amount, cap) for level, amount in enumerate(amounts, start=1))


def plan(*rules, depth=None, currency="USD", **options):
    depth = depth or max(rule.level for rule in rules)
    return Terms(uid("plan"), uid("version"), 1, currency, depth, rules, **options)


def line(amount, category="anything", quantity=1):
    return Line(uid(f"{category} {amount}"), category, quantity, amount)


def upline(*names, **status):
    """Nearest first; everybody is active who is not said to be something else."""
    return [
        Ancestor(uid(name), uid(f"user {name}"), level, status.get(name, "active"), name)
        for level, name in enumerate(names, start=1)
    ]


def overrides(**rules):
    return {uid(name): RuleBook(own) for name, own in rules.items()}


def paid(outcomes):
    """What each one is paid, by name, those who are paid nothing left out."""
    return {outcome.ancestor.name: outcome.amount for outcome in outcomes if outcome.reason is None}


def reasons(outcomes):
    """The reason of each level, None where it pays."""
    return [outcome.reason and outcome.reason.value for outcome in outcomes]
