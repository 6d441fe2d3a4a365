"""What a freeze of a partner touches: listed by the same function that freezes it, so both are the same."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.accounts.models import SignIn
from apps.allocations.models import BUYER, Allocation
from apps.bonuses.models import Bonus
from apps.commissions.models import Commission
from apps.custody.gateways import plain
from apps.fraud.models import FreezeItem
from apps.payouts.models import Payout
from apps.referrals.models import Conversion, Partner

Kind, Effect = FreezeItem.Kind, FreezeItem.Effect
MOST_SHARED = 200


@dataclass(frozen=True)
class Item:
    """One thing as it is now. `amount` is minor units, None where it is tokens (in `kept`) or nothing."""

    kind: str
    pk: UUID
    partner: Partner
    effect: str
    state: str
    name: str
    amount: int | None = None
    currency: str = ""
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shared:
    """Somebody of the downline who shares something with the partner, in words. Frozen along only when chosen."""

    partner: Partner
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Radius:
    partner: Partner
    items: list[Item]
    shared: list[Shared]

    @property
    def totals(self) -> list[dict[str, Any]]:
        """[{kind, effect, count, amount, currency, tokens}], in the order of the kinds."""
        found: dict[str, dict[str, Any]] = {}
        for item in self.items:
            row = found.setdefault(item.kind, {
                "kind": item.kind, "effect": item.effect, "count": 0, "amount": None, "currency": "", "tokens": None,
            })  # fmt: skip
            row["count"] += 1
            row["currency"] = row["currency"] or item.currency
            if item.amount is not None:
                row["amount"] = (row["amount"] or 0) + item.amount
            if "tokens" in item.kept:
                row["tokens"] = plain(Decimal(row["tokens"] or 0) + Decimal(item.kept["tokens"]))
        return [found[kind] for kind in Kind.values if kind in found]

    @property
    def digest(self) -> str:
        """Changes with whatever of the partner's own is in it: who confirms it has seen this one."""
        own = [item for item in self.items if item.partner.pk == self.partner.pk]
        seen = sorted(f"{item.kind}:{item.pk}:{item.state}:{item.amount}" for item in own)
        return hashlib.sha256("|".join(seen).encode()).hexdigest()[:32]


def radius(partner: Partner, *, also: Iterable[Partner] = (), bonuses: bool = True) -> Radius:
    """What freezing `partner`, and `also`, touches. `bonuses` False leaves those out: the caller may not freeze them."""
    partners = [partner, *also]
    return Radius(partner=partner, items=items_of(partners, bonuses=bonuses), shared=sharing(partner))


def items_of(partners: Sequence[Partner], *, bonuses: bool = True) -> list[Item]:
    """A fixed number of queries, whoever many they are."""
    by_user = {partner.user_id: partner for partner in partners if partner.user_id}
    items = [
        Item(Kind.PARTNER, partner.pk, partner, Effect.FROZEN, partner.status, partner.code) for partner in partners
    ]
    items += _commissions(by_user)
    if bonuses:
        items += _bonuses(by_user)
    return items + _payouts(by_user) + _allocations(by_user)


def _commissions(by_user: dict[UUID, Partner]) -> list[Item]:
    """Earned and not paid: pending ones aren't approved, approved ones aren't paid out. Clawbacks count as what they take."""
    unpaid = (Commission.Status.PENDING, Commission.Status.APPROVED)
    rows = Commission.objects.filter(user_id__in=by_user, status__in=unpaid).order_by("id")
    return [
        Item(
            Kind.COMMISSION,
            row.pk,
            by_user[row.user_id],
            Effect.HELD,
            row.status,
            str(row)[:80],
            row.amount,
            row.currency,
        )
        for row in rows
    ]


def _bonuses(by_user: dict[UUID, Partner]) -> list[Item]:
    """Those frozen already stay that: they were another decision, and are nothing of this one's to restore."""
    waiting = (Bonus.Status.PENDING, Bonus.Status.APPROVED)
    rows = Bonus.objects.filter(referrer_id__in=by_user, status__in=waiting).order_by("id")
    return [
        Item(
            Kind.BONUS, row.pk, by_user[row.referrer_id], Effect.FROZEN, row.status, str(row), row.rest, row.currency,
            {"approval_mode": row.approval_mode, "flagged_fraud": row.flagged_fraud, "fraud_notes": row.fraud_notes},
        )
        for row in rows
    ]  # fmt: skip


def _payouts(by_user: dict[UUID, Partner]) -> list[Item]:
    """One that a gateway has been told of can't be held any more; it is the partner's only in name."""
    waiting = (Payout.Status.REQUESTED, Payout.Status.APPROVED)
    rows = Payout.objects.filter(user_id__in=by_user, status__in=waiting).order_by("id")
    return [
        Item(Kind.PAYOUT, row.pk, by_user[row.user_id], Effect.HELD, row.status, row.number, row.amount, row.currency)
        for row in rows
    ]


def _allocations(by_user: dict[UUID, Partner]) -> list[Item]:
    waiting = (Allocation.Status.PENDING, Allocation.Status.FAILED)
    rows = Allocation.objects.filter(**{f"{BUYER}__in": by_user}, status__in=waiting).order_by("id")
    return [
        Item(
            Kind.ALLOCATION,
            row.pk,
            by_user[buyer],
            Effect.HELD,
            row.status,
            str(row),
            kept={"tokens": plain(row.tokens)},
        )
        for row in rows.select_related("order__customer")
        if (buyer := row.buyer_id) is not None
    ]


def sharing(partner: Partner) -> list[Shared]:
    """Who of the downline, not frozen yet, shares a device or an address with the partner. Nearest first, 200 at most."""
    reasons: dict[UUID, list[str]] = {}
    devices, addresses = _traces(partner)
    below = Partner.objects.downline_of(partner).exclude(status=Partner.Status.FROZEN).order_by()
    came = Conversion.objects.filter(kind=Conversion.Kind.SIGNUP, subject_id__in=below.values("pk"))
    for column, values, words in (
        ("device_id", devices, "signed up with the same device"),
        ("ip", addresses, "signed up from the same address"),
    ):
        if values:
            for pk in came.filter(**{f"click__{column}__in": values}).values_list("subject_id", flat=True)[
                :MOST_SHARED
            ]:
                reasons.setdefault(pk, []).append(words)
    if addresses:
        there = SignIn.objects.filter(ip__in=addresses).values("user_id")
        for pk in below.filter(user_id__in=there).values_list("pk", flat=True)[:MOST_SHARED]:
            reasons.setdefault(pk, []).append("signed in from the same address")
    people = Partner.objects.filter(pk__in=reasons).select_related("user").order_by("depth", "path")[:MOST_SHARED]
    return [Shared(person, tuple(dict.fromkeys(reasons[person.pk]))) for person in people]


def _traces(partner: Partner) -> tuple[set[str], set[str]]:
    """(devices, addresses) that the partner signed up with or signed in from."""
    came = Conversion.objects.filter(
        Q(kind=Conversion.Kind.SIGNUP) & Q(subject_id=partner.pk) & Q(click__isnull=False)
    ).values_list("click__device_id", "click__ip")
    devices = {device for device, _ in came if device}
    addresses = {ip for _, ip in came if ip}
    addresses |= set(SignIn.objects.filter(user=partner.user).exclude(ip="").values_list("ip", flat=True))
    return devices, addresses
