"""Who earns what from one line of an order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from apps.core import money

from .values import Ancestor, Base, Compression, Kind, Line, Outcome, PathStep, Reason, Rule, RuleBook, Terms

ACTIVE, FROZEN = "active", "frozen"
NO_OVERRIDES: Mapping[UUID, RuleBook] = {}


@dataclass(frozen=True, slots=True)
class Computed:
    """What a rule makes of a line, whether or not anybody is paid it."""

    rule: Rule
    override: bool
    base_amount: int
    exact: Decimal
    amount: int
    capped: bool


def outcomes_for(
    line: Line,
    terms: Terms,
    upline: Sequence[Ancestor],
    overrides: Mapping[UUID, RuleBook] = NO_OVERRIDES,
    *,
    currency: str,
    buyer: UUID | None = None,
) -> list[Outcome]:
    """Exactly one outcome for each level from 1 to the plan's depth, in that order.

    `upline` is the chain above the buyer, nearest first, and for `standard` compression the whole of it: people from
    beyond the depth move down into it. `overrides` are the own rules of partners, by partner. `buyer` is a user.

    The reasons are looked for in this order: house, currency_mismatch, self_purchase, frozen, inactive_partner,
    no_rule, recurrence_limit, zero_amount, below_minimum.
    """
    outcomes: list[Outcome] = []
    direct = 0
    for level, ancestor in enumerate(_places(upline, terms), start=1):
        if ancestor is None:
            outcomes.append(Outcome(line.id, level, None, Reason.HOUSE))
            continue
        computed = _compute(line, level, ancestor, terms, overrides, direct)
        if level == 1 and computed:
            direct = computed.amount
        reason = _reason(line, ancestor, computed, terms, currency, buyer)
        outcomes.append(_outcome(line, level, ancestor, reason, computed))
    return outcomes


def commissions(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those that pay."""
    return [outcome for outcome in outcomes if outcome.reason is None]


def path_to(upline: Sequence[Ancestor], compression: Compression, distance: int) -> list[PathStep]:
    """The chain from the buyer's sponsor to the one `distance` above, with those whom compression passed over."""
    return [
        PathStep(ancestor, compression == Compression.STANDARD and is_skipped(ancestor))
        for ancestor in upline
        if ancestor.level <= distance
    ]


def _places(upline: Sequence[Ancestor], terms: Terms) -> list[Ancestor | None]:
    """Who stands at level 1, 2, … of the plan."""
    if terms.compression == Compression.STANDARD:
        standing: list[Ancestor | None] = [ancestor for ancestor in upline if not is_skipped(ancestor)]
        return (standing + [None] * terms.depth)[: terms.depth]
    places: list[Ancestor | None] = [None] * terms.depth
    for ancestor in upline:
        if ancestor.level <= terms.depth:
            places[ancestor.level - 1] = ancestor
    return places


def is_skipped(ancestor: Ancestor) -> bool:
    """Compression passes over the inactive, and over who never activated.

    The frozen keep their place and are paid nothing: a freeze is a question not yet answered, and until it is, nobody
    else is to profit from it.
    """
    return ancestor.status not in (ACTIVE, FROZEN)


def _compute(
    line: Line, level: int, ancestor: Ancestor, terms: Terms, overrides: Mapping[UUID, RuleBook], direct: int
) -> Computed | None:
    own = overrides.get(ancestor.partner_id)
    rule = own.find(line.category, level) if own else None
    override = rule is not None
    if rule is None:
        rule = terms.book.find(line.category, level)
    if rule is None:
        return None
    base_amount = direct if terms.base == Base.COMMISSION and level > 1 and rule.kind == Kind.PERCENT else line.amount
    exact, amount = apply_rule(rule.kind, rule.value, base_amount, line.quantity)
    capped = rule.cap is not None and amount > rule.cap
    return Computed(rule, override, base_amount, exact, rule.cap if capped and rule.cap is not None else amount, capped)


def apply_rule(kind: str, value: Decimal | int, base_amount: int, quantity: int) -> money.Applied:
    if kind == Kind.PERCENT:
        return money.apply_rate(base_amount, Decimal(value))
    return money.per_unit(int(value), quantity)


def _reason(
    line: Line, ancestor: Ancestor, computed: Computed | None, terms: Terms, currency: str, buyer: UUID | None
) -> Reason | None:
    return _reason_of_person(ancestor, terms, currency, buyer) or _reason_of_rule(line, computed, terms)


def _reason_of_person(ancestor: Ancestor, terms: Terms, currency: str, buyer: UUID | None) -> Reason | None:
    if currency != terms.currency:
        return Reason.CURRENCY_MISMATCH
    if buyer is not None and ancestor.user_id == buyer:
        return Reason.SELF_PURCHASE
    if ancestor.status == FROZEN:
        return Reason.FROZEN
    if ancestor.status != ACTIVE:
        return Reason.INACTIVE_PARTNER
    return None


def _reason_of_rule(line: Line, computed: Computed | None, terms: Terms) -> Reason | None:
    if computed is None:
        return Reason.NO_RULE
    if terms.recurring is not None and line.cycle > terms.recurring:
        return Reason.RECURRENCE_LIMIT
    if computed.amount == 0:
        return Reason.ZERO_AMOUNT
    if computed.amount < terms.minimum:
        return Reason.BELOW_MINIMUM
    return None


def _outcome(line: Line, level: int, ancestor: Ancestor, reason: Reason | None, computed: Computed | None) -> Outcome:
    if computed is None:
        return Outcome(line.id, level, ancestor, reason)
    return Outcome(
        line_id=line.id,
        level=level,
        ancestor=ancestor,
        reason=reason,
        rule=computed.rule,
        override=computed.override,
        base_amount=computed.base_amount,
        exact=computed.exact,
        amount=0 if reason else computed.amount,
        capped=computed.capped,
    )
