"""Each link's way from click to buyer; the rows add up to the total."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q

from apps.dashboard.charts import Step, funnel
from apps.orders.models import Order
from apps.referrals.links import LinkFigures, link_figures
from apps.referrals.models import Conversion, Partner


@dataclass(frozen=True)
class LinkRow:
    name: str
    url: str
    token: str
    clicks: int
    signups: int
    buyers: int
    id: UUID | None = None
    is_active: bool = True

    @property
    def rate(self) -> Decimal | None:
        """Buyers of clicks; None where no click makes it meaningless."""
        return Decimal(self.buyers) / self.clicks if self.clicks else None


@dataclass(frozen=True)
class LinkTable:
    main: LinkRow
    named: list[LinkRow]
    total: LinkRow

    @property
    def funnel(self) -> list[Step]:
        return funnel([("Clicks", self.total.clicks), ("Signups", self.total.signups), ("Buyers", self.total.buyers)])

    @property
    def signup_rate(self) -> Decimal | None:
        return Decimal(self.total.signups) / self.total.clicks if self.total.clicks else None

    @property
    def buyer_rate(self) -> Decimal | None:
        return Decimal(self.total.buyers) / self.total.signups if self.total.signups else None


def link_table(partner: Partner, origin: str) -> LinkTable:
    """Four queries. What came without a named link counts for the main one, whether by its address or by the code."""
    figures, buyers = link_figures(partner, origin), _buyers(partner)
    named = [_row(link, buyers.get(link.id, 0)) for link in figures.links]
    total = LinkRow("All links", "", "", figures.clicks, figures.signups, sum(buyers.values()))
    main = LinkRow(
        name="Main link",
        url=figures.short_url,
        token=partner.code,
        clicks=figures.clicks - sum(row.clicks for row in named),
        signups=figures.signups - sum(row.signups for row in named),
        buyers=buyers.get(None, 0),
        is_active=figures.is_active,
    )
    return LinkTable(main, named, total)


def _row(link: LinkFigures, buyers: int) -> LinkRow:
    return LinkRow(
        name=link.name or "", url=link.short_url, token=link.short_url.rpartition("/")[2], clicks=link.clicks,
        signups=link.signups, buyers=buyers, id=link.id, is_active=link.is_active,
    )  # fmt: skip


def _buyers(partner: Partner) -> dict[UUID | None, int]:
    """{link: people who bought}: guests that a link brought, and members who signed up by it and paid for something."""
    paid = Order.objects.filter(user__partners=OuterRef("subject_id"), paid_at__isnull=False)
    rows = Conversion.objects.filter(partner=partner).annotate(bought=Exists(paid))
    rows = rows.filter(Q(kind=Conversion.Kind.BUYER) | Q(kind=Conversion.Kind.SIGNUP, bought=True))
    return dict(rows.order_by().values_list("link_id").annotate(n=Count("pk")))
