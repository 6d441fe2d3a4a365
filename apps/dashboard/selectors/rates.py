"""What the published plan pays, as people read it, with an example worked out by the engine that pays."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from apps.commissions import engine
from apps.commissions.models import PlanVersion
from apps.commissions.terms import Overrides, terms_of
from apps.core import money
from apps.core.ids import uuid7
from apps.dashboard.templatetags.upline import category as category_name
from apps.dashboard.templatetags.upline import percent, rounded
from apps.referrals.models import Partner

FEW_LEVELS = 4


@dataclass(frozen=True)
class RateRow:
    name: str
    values: list[str]


@dataclass(frozen=True)
class Example:
    """A sale, and what it pays whoever shared the link, directly and one level further up."""

    category: str
    amount: int
    first: int
    second: int


@dataclass(frozen=True)
class RateCard:
    """Categories by levels, or with many levels the other way round. Neighbouring levels that pay the same are one."""

    depth: int
    by_level: bool
    columns: list[str]
    rows: list[RateRow]
    example: Example | None
    direct: list[str]
    """What level 1 pays, as words: "20 % of servers", "₹100 per domain"."""


def rate_card(partner: Partner | None = None) -> RateCard | None:
    """Of the plan in force; None before the first is published. `direct` has a partner's own rates. Three queries at most."""
    now = timezone.now()
    version = PlanVersion.objects.in_force(now)
    if version is None:
        return None
    own = Overrides([partner.pk]).at(now, [partner.pk]).get(partner.pk) if partner else None
    return _card(terms_of(version), own)


def _card(terms: engine.Terms, own: engine.RuleBook | None) -> RateCard | None:
    categories = sorted({rule.category for rule in terms.rules if rule.category != engine.ACTIVATION}, key=_star_last)
    if not categories:
        return None
    cells = {level: [_cell(terms, name, level) for name in categories] for level in range(1, terms.depth + 1)}
    groups = _groups(cells)
    by_level = len(groups) > FEW_LEVELS
    names = [category_name(name) for name in categories]
    levels = [_level_name(first, last) for first, last in groups]
    if by_level:
        rows = [RateRow(level, cells[first]) for level, (first, _) in zip(levels, groups, strict=True)]
    else:
        rows = [RateRow(name, [cells[first][i] for first, _ in groups]) for i, name in enumerate(names)]
    return RateCard(
        depth=terms.depth,
        by_level=by_level,
        columns=names if by_level else levels,
        rows=rows,
        example=_example(terms, categories),
        direct=[words for name in categories if (words := _direct(terms, own, name))],
    )


def _star_last(category: str) -> tuple[bool, str]:
    return category == engine.ANY, category


def _cell(terms: engine.Terms, category: str, level: int) -> str:
    rule = terms.book.find(category, level)
    return _value(rule, terms.currency) if rule is not None else "–"


def _value(rule: engine.Rule, currency: str) -> str:
    return percent(rule.value) if rule.kind == engine.Kind.PERCENT else rounded(int(rule.value), currency)


def _direct(terms: engine.Terms, own: engine.RuleBook | None, category: str) -> str:
    rule = (own.find(category, 1) if own else None) or terms.book.find(category, 1)
    if rule is None:
        return ""
    joint = "of" if rule.kind == engine.Kind.PERCENT else "per"
    return f"{_value(rule, terms.currency)} {joint} {category_name(category).lower()}"


def _groups(cells: dict[int, list[str]]) -> list[tuple[int, int]]:
    """(first, last) of runs of levels with equal cells."""
    groups: list[tuple[int, int]] = []
    for level, row in cells.items():
        if groups and cells[groups[-1][0]] == row:
            groups[-1] = (groups[-1][0], level)
        else:
            groups.append((level, level))
    return groups


def _level_name(first: int, last: int) -> str:
    if first == 1:
        return "Direct" if last == 1 else f"Levels 1–{last}"
    return f"Level {first}" if first == last else f"Levels {first}–{last}"


def _example(terms: engine.Terms, categories: Sequence[str]) -> Example | None:
    """₹10,000 in the first category that pays a percentage directly."""
    amount = 10_000 * 10 ** money.exponent(terms.currency)
    for category in categories:
        rule = terms.book.find(category, 1)
        if rule is None or rule.kind != engine.Kind.PERCENT:
            continue
        line = engine.Line(uuid7(), category, 1, amount)
        upline = [
            engine.Ancestor(uuid7(), uuid7(), level, Partner.Status.ACTIVE) for level in range(1, terms.depth + 1)
        ]
        paid = [outcome.amount for outcome in engine.outcomes_for(line, terms, upline, currency=terms.currency)]
        return Example(category_name(category), amount, paid[0], paid[1] if len(paid) > 1 else 0)
    return None
