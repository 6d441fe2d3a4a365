"""A payout as steps in time, the next one's conditions, and what each is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from apps.accounts.models import User
from apps.dashboard.selectors.commissions import SaleRow, own_commissions, sale_rows
from apps.fraud.services import is_held
from apps.payouts.models import UNKNOWN, Payout
from apps.payouts.selectors import next_scheduled
from apps.payouts.services import next_allowed_at
from apps.referrals.models import Partner
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_day
from apps.wallet.models import HoldShare
from apps.wallet.selectors import Summary


@dataclass(frozen=True)
class Step:
    state: str
    """done, now, next or failed."""
    title: str
    at: datetime | None = None
    note: str = ""
    reference: str = ""


@dataclass(frozen=True)
class InSteps:
    payout: Payout
    steps: list[Step]


# What a partner is told while it is on its way.
_BY = {
    "manual": "The bank has it. Its reference will stand here.", "stripe_connect": "Stripe has it.",
    "fireblocks": "It is being confirmed on the chain.",
}  # fmt: skip


def in_steps(payout: Payout) -> InSteps:
    where = payout.method.label if payout.method else "as agreed with the site"
    asked = Step("done", "You asked for it", payout.created_at)
    approved = Step("done", "Approved", payout.approved_at)
    match payout.status:
        case Payout.Status.REQUESTED:
            rest = [
                Step("now", "A person checks it", note="Until then you can take it back."),
                Step("next", f"Sent, {where}"),
            ]
        case Payout.Status.APPROVED:
            rest = [approved, Step("now", "It is being sent", note="The bank’s reference will stand here."),
                    Step("next", f"Paid, {where}")]  # fmt: skip
        case Payout.Status.PROCESSING:
            unknown = payout.provider_state == UNKNOWN
            note = "The bank has not answered yet. Nothing is sent twice." if unknown else _BY.get(payout.gateway, "")
            rest = [approved, Step("now", "It is on its way", note=note), Step("next", f"Paid, {where}")]
        case Payout.Status.COMPLETED:
            rest = [approved, Step("done", f"Paid, {where}", payout.finished_at, reference=payout.reference)]
        case Payout.Status.CANCELLED:
            rest = [Step("failed", "You took it back", payout.finished_at, "The money is in Available again.")]
        case _:
            title = "Rejected" if payout.status == Payout.Status.REJECTED else "It came back"
            note = f"{payout.reason.rstrip('.')}. " if payout.reason else ""
            before = [approved] if payout.approved_at else []
            rest = [*before, Step("failed", title, payout.finished_at, f"{note}The money is in Available again.")]
    return InSteps(payout, [asked, *rest])


@dataclass(frozen=True)
class NextPayout:
    """The conditions of the next one, in the order the service checks them."""

    available: int
    held: int
    currency: str
    minimum: int
    cooldown_hours: int
    current: InSteps | None
    allowed_at: datetime | None
    is_frozen: bool
    is_held: bool
    schedule: str
    batch_on: date | None
    net_days: int

    @property
    def reaches_minimum(self) -> bool:
        return self.available >= self.minimum

    @property
    def is_ready(self) -> bool:
        return (
            self.reaches_minimum
            and self.current is None
            and self.allowed_at is None
            and not self.is_frozen
            and not self.is_held
        )


def next_payout(user: User, partner: Partner, *, summary: Summary, settings: SiteSettings) -> NextPayout:
    """Four queries at most, besides what the page has read already."""
    found = Payout.objects.select_related("method").filter(user_id=user.pk, status__in=Payout.OPEN).first()
    return NextPayout(
        available=summary.available,
        held=summary.held,
        currency=summary.currency,
        minimum=settings.payout_minimum,
        cooldown_hours=settings.payout_cooldown_hours,
        current=in_steps(found) if found else None,
        allowed_at=next_allowed_at(user),
        is_frozen=partner.status == Partner.Status.FROZEN,
        is_held=is_held(user.pk),
        schedule=settings.get_payout_schedule_display(),
        batch_on=next_scheduled(settings, site_day()),
        net_days=settings.payout_net_days,
    )


def paid_total(user_id: UUID) -> dict[str, int]:
    """{count, amount} of all that was ever paid."""
    rows = Payout.objects.filter(user_id=user_id, status=Payout.Status.COMPLETED)
    found = rows.aggregate(count=Count("pk"), amount=Sum("amount"))
    return {"count": found["count"], "amount": int(found["amount"] or 0)}


def entry_counts(payouts: Sequence[Payout]) -> dict[UUID, int]:
    """How many amounts each is made of. One query."""
    by_key = {payout.hold_key: payout.pk for payout in payouts}
    rows = HoldShare.objects.filter(hold_key__in=by_key).order_by().values_list("hold_key").annotate(n=Count("pk"))
    return {by_key[key]: n for key, n in rows}


def shares_of(payout: Payout) -> QuerySet[HoldShare]:
    return HoldShare.objects.filter(hold_key=payout.hold_key).select_related("lot")


@dataclass(frozen=True)
class EntryRow:
    """A part of a payout, and the sale it was earned by where it was one."""

    share: HoldShare
    sale: SaleRow | None

    @property
    def kind(self) -> str:
        return self.share.lot.ref_type


def entries(user_id: UUID, shares: Sequence[HoldShare]) -> list[EntryRow]:
    """One query."""
    refs = [share.lot.ref_id for share in shares if share.lot.ref_type == "commission"]
    sales = {str(row.commission.pk): row for row in sale_rows(list(own_commissions(user_id).filter(pk__in=refs)))}
    return [EntryRow(share, sales.get(share.lot.ref_id)) for share in shares]
