"""My commissions as rows that explain themselves, and the sales that paid me nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from apps.commissions import engine
from apps.commissions.models import Commission, CommissionOutcome
from apps.commissions.selectors import explain
from apps.orders.models import Order
from apps.referrals.models import MAX_LEVEL, Partner
from apps.referrals.selectors import name_below
from apps.sites.calendar import first_of_month
from apps.sites.selectors import midnight, site_day

MONTHS = 12

REASONS = {
    engine.Reason.SELF_PURCHASE: "You bought it yourself. Own purchases earn nothing.",
    engine.Reason.NO_RULE: "The plan has no rule for this at your level.",
    engine.Reason.RECURRENCE_LIMIT: "The plan pays on fewer payments for the same service.",
    engine.Reason.FROZEN: "Your account was frozen when it was paid.",
    engine.Reason.INACTIVE_PARTNER: "Your account was not active when it was paid.",
    engine.Reason.ZERO_AMOUNT: "Your share rounds to nothing.",
    engine.Reason.BELOW_MINIMUM: "Your share is below the plan’s minimum.",
    engine.Reason.CURRENCY_MISMATCH: "It was paid in another currency than the plan’s.",
    engine.Reason.BEYOND_DEPTH: "You stand above the deepest level of the plan.",
}


@dataclass(frozen=True)
class CommissionFilters:
    """What tabs and the filter bar say; a value that is no choice of theirs is left out."""

    status: str = ""
    level: int | None = None
    category: str = ""
    month: date | None = None
    search: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str]) -> "CommissionFilters":
        status, level = params.get("status", ""), params.get("level", "")
        return cls(
            status=status if status in Commission.Status.values else "",
            level=int(level) if level.isascii() and level.isdigit() and 1 <= int(level[:3]) <= MAX_LEVEL else None,
            category=params.get("category", "")[:64],
            month=_month(params.get("month", "")),
            search=params.get("q", "").strip()[:100],
        )

    @property
    def narrows(self) -> bool:
        """More than a tab does."""
        return bool(self.level or self.category or self.month or self.search)

    def apply(self, rows: QuerySet[Commission]) -> QuerySet[Commission]:
        if self.status:
            rows = rows.filter(status=self.status)
        if self.level:
            rows = rows.filter(level=self.level)
        if self.category:
            rows = rows.filter(category=self.category)
        if self.month:
            after = first_of_month(self.month, back=-1)
            rows = rows.filter(earned_at__gte=midnight(self.month), earned_at__lt=midnight(after))
        if self.search:
            rows = rows.filter(
                Q(order__external_id__startswith=self.search)
                | Q(line__name__icontains=self.search)
                | Q(source_user__full_name__icontains=self.search)
            )
        return rows


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None


def months_since(moment: datetime) -> list[date]:
    """First days of the months to choose from, this one first."""
    this, first = first_of_month(site_day()), first_of_month(site_day(moment))
    months = [first_of_month(this, back=back) for back in range(2 * MONTHS)]
    return [month for month in months if month >= first]


def own_commissions(user_id: Any) -> QuerySet[Commission]:
    """With what a row shows."""
    return Commission.objects.filter(user_id=user_id).select_related("version", "source_user", "order", "line")


@dataclass(frozen=True)
class SaleRow:
    """A commission beside the sale it came from."""

    commission: Commission
    title: str
    people: list[str]
    """From directly below me down to the buyer."""

    @property
    def is_void(self) -> bool:
        return self.commission.status in {Commission.Status.REVERSED, Commission.Status.REJECTED}

    @property
    def shown_amount(self) -> int:
        """What it is worth; of a void one, what it would have been."""
        return self.commission.original_amount if self.is_void else self.commission.amount


def sale_rows(commissions: Sequence[Commission]) -> list[SaleRow]:
    """No query beyond `own_commissions`."""
    return [
        SaleRow(row, title_of(row.line), people_of(row.order, row.source_user, row.distance)) for row in commissions
    ]


def title_of(line: Any) -> str:
    name = line.name or line.sku or line.category.capitalize()
    return f"{name} × {line.quantity}" if line.quantity > 1 else str(name)


def people_of(order: Order, buyer: Any, distance: int) -> list[str]:
    """Those between me and the sale, as they stood then, and the buyer."""
    between = sorted((step for step in order.upline if step["level"] < distance), key=lambda step: -step["level"])
    return [*(step["name"] for step in between), name_below(buyer.full_name, buyer.email) if buyer else "A guest"]


@dataclass(frozen=True)
class PathStep:
    name: str
    skipped: bool = False


@dataclass(frozen=True)
class Explained:
    """One commission to the paisa (X1): the facts, and the same amount worked out again from them."""

    row: SaleRow
    facts: Mapping[str, Any]
    line_number: int
    line_count: int
    path: list[PathStep] = field(default_factory=list)

    @property
    def exact(self) -> Decimal:
        return Decimal(self.facts["exact"])

    @property
    def rounding(self) -> Decimal:
        """What rounding added or took, in minor units."""
        return self._rounded - self.exact

    @property
    def _rounded(self) -> int:
        """Before a cap: half up, away from zero for a negative."""
        half = self.exact.quantize(Decimal(1), rounding="ROUND_HALF_UP")
        return int(half)

    @property
    def whole(self) -> int:
        """What the line paid before any refund."""
        return engine.recompute({**self.facts, "refund": None})

    @property
    def refunded(self) -> int:
        """What of the line this clawback's refund gave back."""
        commission = self.row.commission
        return commission.refunded_after - commission.refunded_before

    @property
    def again(self) -> int:
        return engine.recompute(self.facts)

    @property
    def agrees(self) -> bool:
        return self.again == self.row.commission.original_amount


def explained(commission: Commission) -> Explained:
    """Three queries at most."""
    facts = explain(commission)
    lines = list(commission.order.lines.values_list("pk", flat=True))
    # The engine's path begins at the buyer's sponsor and ends with me; people read it from themselves down.
    steps = [PathStep(step["name"], step["skipped"]) for step in facts["path"][:-1]]
    return Explained(
        row=sale_rows([commission])[0],
        facts=facts,
        line_number=lines.index(commission.line_id) + 1,
        line_count=len(lines),
        path=list(reversed(steps)),
    )


@dataclass(frozen=True)
class NothingRow:
    """A sale below me that paid me nothing, and why (X3)."""

    title: str
    order: Order
    level: int
    reason: str
    words: str


def own_outcomes(partner: Partner) -> QuerySet[CommissionOutcome]:
    return CommissionOutcome.objects.filter(partner=partner).select_related("line", "order")


def nothing_rows(outcomes: Sequence[CommissionOutcome]) -> list[NothingRow]:
    return [
        NothingRow(
            title=title_of(row.line),
            order=row.order,
            level=row.level,
            reason=row.reason,
            words=REASONS.get(engine.Reason(row.reason), row.get_reason_display()),
        )
        for row in outcomes
    ]
