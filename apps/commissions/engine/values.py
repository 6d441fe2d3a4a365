"""What goes into the engine and what comes out. Everything is frozen and checks itself where it is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from uuid import UUID

MAX_DEPTH = 20
MAX_FLAT = 4_000_000_000
"""Minor units for each unit: times the largest quantity of a line (2³¹ − 1) it is still a bigint."""
ANY = "*"
"""The category of a rule for every line that has no rule of its own at that level."""
ACTIVATION = "activation"
"""The category of a partner's activation fee. `*` never matches it: paying for it takes a rule that names it."""


class Kind(StrEnum):
    PERCENT = "percent"
    FLAT = "flat"


class Base(StrEnum):
    ORDER = "order"
    COMMISSION = "commission"


class Compression(StrEnum):
    NONE = "none"
    STANDARD = "standard"


class Reason(StrEnum):
    """Why a level of a line pays nothing."""

    HOUSE = "house"  # nobody stands at that level
    CURRENCY_MISMATCH = "currency_mismatch"
    SELF_PURCHASE = "self_purchase"
    FROZEN = "frozen"
    INACTIVE_PARTNER = "inactive_partner"
    NO_RULE = "no_rule"
    RECURRENCE_LIMIT = "recurrence_limit"  # the service has been paid for more often than the plan pays on
    ZERO_AMOUNT = "zero_amount"
    BELOW_MINIMUM = "below_minimum"
    BEYOND_DEPTH = "beyond_depth"  # told to a partner above the deepest level; no level of a line has it


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    category: str
    quantity: int
    amount: int
    """Minor units, of the whole line."""
    cycle: int = 1
    """The how manyth payment for the same service this is."""


@dataclass(frozen=True, slots=True)
class Rule:
    category: str
    level: int
    kind: Kind
    value: Decimal | int
    """`percent`: a fraction, Decimal("0.10"). `flat`: minor units for each unit of the line's quantity."""
    cap: int | None = None
    """The most that one line pays by this rule, in minor units."""

    def __post_init__(self) -> None:
        if not 1 <= self.level <= MAX_DEPTH:
            raise ValueError(f"a level is 1 to {MAX_DEPTH}")
        if self.kind == Kind.PERCENT and not (isinstance(self.value, Decimal) and 0 <= self.value <= 1):
            raise ValueError("a percent rule has a Decimal fraction from 0 to 1")
        if self.kind == Kind.FLAT and not (isinstance(self.value, int) and 0 <= self.value <= MAX_FLAT):
            raise ValueError(f"a flat rule has whole minor units from 0 to {MAX_FLAT}")
        if self.cap is not None and self.cap < 0:
            raise ValueError("a cap is never negative")


class RuleBook:
    """Rules by category and level: the category's own, else the `*` of that level, else none."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[tuple[str, int], Rule] = {}
        for rule in rules:
            if (rule.category, rule.level) in self._rules:
                raise ValueError(f"two rules for {rule.category!r} at level {rule.level}")
            self._rules[rule.category, rule.level] = rule

    def find(self, category: str, level: int) -> Rule | None:
        own = self._rules.get((category, level))
        if own is not None or category == ACTIVATION:
            return own
        return self._rules.get((ANY, level))


@dataclass(frozen=True)
class Terms:
    """One version of a plan."""

    plan_id: UUID
    version_id: UUID
    version: int
    currency: str
    depth: int
    rules: tuple[Rule, ...]
    base: Base = Base.ORDER
    compression: Compression = Compression.NONE
    minimum: int = 0
    """A commission below this pays nothing, in minor units."""
    recurring: int | None = None
    """How many payments for one service pay commission; None: every one."""

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ValueError(f"a plan pays 1 to {MAX_DEPTH} levels")
        if self.minimum < 0:
            raise ValueError("a minimum is never negative")
        if self.recurring is not None and self.recurring < 1:
            raise ValueError("at least the first payment for a service pays")
        if any(rule.level > self.depth for rule in self.rules):
            raise ValueError("a rule lies beyond the depth of the plan")

    @cached_property
    def book(self) -> RuleBook:
        return RuleBook(self.rules)


@dataclass(frozen=True, slots=True)
class Ancestor:
    """Somebody above the buyer, as they stood when the order was paid."""

    partner_id: UUID
    user_id: UUID
    level: int
    """Distance from the buyer: 1 is the sponsor."""
    status: str
    """`pending`, `active`, `inactive` or `frozen`."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class PathStep:
    ancestor: Ancestor
    skipped: bool
    """Compression passed over them: everybody above moved down a level."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one level of one line pays and to whom, or why it pays nothing. A commission has no `reason`."""

    line_id: UUID
    level: int
    ancestor: Ancestor | None
    reason: Reason | None
    rule: Rule | None = None
    override: bool = False
    base_amount: int = 0
    """What a percent was taken of: the line's amount, or the level 1 amount."""
    exact: Decimal = Decimal(0)
    """Before rounding and cap, in minor units."""
    amount: int = 0
    """What is paid. 0 with a reason."""
    capped: bool = False

    @property
    def rate(self) -> Decimal | None:
        return self.rule.value if self.rule and isinstance(self.rule.value, Decimal) else None

    @property
    def flat_amount(self) -> int | None:
        return self.rule.value if self.rule and isinstance(self.rule.value, int) else None
