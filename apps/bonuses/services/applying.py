"""From a first event to a bonus, or the reason why there is none (A3, A4, A9-A11).

Locks, in this order: the first event's unique key, the referrer's day, the device, the address. Nobody who waits for one holds
a later one, so parallel calls never wait in a circle, and each sees what the ones before have committed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.bonuses.models import Bonus, BonusRule, DailyCount, Event, FirstEvent
from apps.bonuses.services.rules import rule_in_force, rule_type
from apps.core import money, outbox
from apps.core.errors import NotFound
from apps.core.ids import uuid7
from apps.core.locks import hold
from apps.core.tenancy import require_site_id
from apps.referrals.models import Partner
from apps.sites.models import SiteSettings
from apps.sites.selectors import current_site, site_day, site_settings
from apps.wallet.models import Deposit

DAILY_CAP = "referrer_daily_cap"


@dataclass(frozen=True)
class Applied:
    """`reason` is a code of A11 where nothing was applied, the fraud message where the bonus is frozen, else empty."""

    bonus: Bonus | None
    reason: str = ""
    unmoved: bool = False  # there is a bonus, and it stayed as it was

    @property
    def applied(self) -> bool:
        return self.bonus is not None and not self.unmoved


@dataclass(frozen=True)
class Referrer:
    """Who gets the bonus: the sponsor's user, and by whose rules."""

    user_id: UUID
    kind: str


@dataclass(frozen=True)
class FirstThing:
    """What happened. `amount` is the deposit's or the bid's; device and address are those it came from, never the caller's."""

    user_id: UUID
    event_type: str
    event_ref: str
    amount: int = 0
    device_id: str = ""
    ip_address: str = ""
    deposit: Deposit | None = None


class _NotApplied(Exception):
    """Takes the savepoint back: this event was not used up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def apply_first_event(*, thing: FirstThing, actor: audit.Actor) -> Applied:
    """The bonus of whoever referred this person, once for ever. Only an applied bonus or the daily cap uses the event up.

    Raises NotFound for somebody who is no member of the site.
    """
    if not User.objects.members().filter(pk=thing.user_id).exists():
        raise NotFound()
    try:
        with transaction.atomic():
            return _apply(thing, actor)
    except _NotApplied as refused:
        return Applied(None, refused.reason)


def _apply(thing: FirstThing, actor: audit.Actor) -> Applied:
    event = _use_up(thing)
    referrer = _referrer(thing.user_id)
    rule = rule_in_force(rule_type(thing.event_type, referrer.kind))
    if rule is None:
        raise _NotApplied("no_rule")
    if thing.event_type == Event.FIRST_DEPOSIT and thing.amount < rule.min_deposit:
        raise _NotApplied("below_min_deposit")
    exact, amount = work_out(rule, thing.amount)
    if amount <= 0:
        raise _NotApplied("zero_bonus")
    settings = site_settings()
    if not _count(referrer, settings.bonus_daily_cap):
        FirstEvent.objects.filter(pk=event.pk).update(used_by=DAILY_CAP)
        audit.record(actor=actor, action="bonus.capped", target=event, reason=DAILY_CAP)
        return Applied(None, DAILY_CAP)
    message = _suspicion(thing, settings)
    bonus = _create(thing, event, referrer, rule, exact, amount, message)
    audit.record(
        actor=actor, action="bonus.created", target=bonus, reason=message,
        after={"amount": amount, "status": bonus.status, "referrer": str(bonus.referrer_id)},
    )  # fmt: skip
    outbox.publish("bonus.created", key=str(bonus.pk), payload={"bonus_id": str(bonus.pk)})
    return Applied(bonus, message)


def _use_up(thing: FirstThing) -> FirstEvent:
    """A parallel call for the same waits here until the first one is through."""
    try:
        with transaction.atomic():
            return FirstEvent.objects.create(
                user_id=thing.user_id, event_type=thing.event_type, event_ref=thing.event_ref
            )
    except IntegrityError:
        raise _NotApplied("already_used") from None


def _referrer(user_id: UUID) -> Referrer:
    """The sponsor, as long as they may earn."""
    partner = Partner.objects.people().select_related("sponsor").filter(user_id=user_id).first()
    sponsor = partner.sponsor if partner is not None else None
    if sponsor is None or sponsor.user_id is None or not sponsor.is_active:
        raise _NotApplied("no_referrer")
    return Referrer(sponsor.user_id, sponsor.kind)


def work_out(rule: BonusRule, base: int) -> tuple[Decimal, int]:
    """(exact, amount): the rule applied to the base, rounded half up, no more than its cap."""
    if rule.kind == BonusRule.Kind.PERCENT:
        exact, amount = money.apply_rate(base, rule.rate or Decimal(0))
    else:
        exact, amount = money.per_unit(rule.flat_amount or 0, 1)
    return exact, amount if rule.cap is None else min(amount, rule.cap)


def _count(referrer: Referrer, cap: int) -> bool:
    """One more today, in the site's time zone, unless that would pass the cap. One statement, so exact under any number."""
    row: list[Any] = [uuid7(), require_site_id(), referrer.user_id, site_day(), cap]
    table = DailyCount._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS c (id, site_id, user_id, day, n) VALUES (%s, %s, %s, %s, 1)"  # noqa: S608 - a constant
            " ON CONFLICT (site_id, user_id, day) DO UPDATE SET n = c.n + 1 WHERE c.n < %s RETURNING n",
            row,
        )
        return cursor.fetchone() is not None


def _suspicion(thing: FirstThing, settings: SiteSettings) -> str:
    """The fraud message where so many bonuses came from this device or address lately, or ''."""
    since = timezone.now() - timedelta(hours=settings.bonus_device_hours)
    said = []
    for column, word, value in (("device_id", "deviceId", thing.device_id), ("ip_address", "ip", thing.ip_address)):
        if value and _seen(column, value, since) >= settings.bonus_device_limit:
            said.append(f"{word} {value}")
    return f"High referral bonus volume from {' / '.join(said)}" if said else ""


def _seen(column: str, value: str, since: datetime) -> int:
    """How many bonuses came from it. The lock makes who asks at the same moment count each other."""
    hold(f"bonuses.{column}.{value}")
    return Bonus.objects.filter(**{column: value}, created_at__gte=since).count()


def _create(
    thing: FirstThing, event: FirstEvent, referrer: Referrer, rule: BonusRule, exact: Decimal, amount: int, message: str
) -> Bonus:
    by_itself = rule.auto_credit and not message
    return Bonus.objects.create(
        referrer_id=referrer.user_id, referred_id=thing.user_id, source=referrer.kind, event_type=thing.event_type, event=event,
        deposit=thing.deposit, rule=rule, base_amount=thing.amount, exact=exact, amount=amount,
        currency=current_site().currency, status=Bonus.Status.FROZEN if message else Bonus.Status.PENDING,
        approval_mode=Bonus.Approval.AUTO if by_itself else Bonus.Approval.MANUAL, flagged_fraud=bool(message),
        fraud_notes=message, reason=message, device_id=thing.device_id, ip_address=thing.ip_address,
    )  # fmt: skip


def first_deposit(*, user_id: UUID, amount: int, ref: str, device_id: str, ip_address: str) -> FirstThing:
    return FirstThing(user_id, Event.FIRST_DEPOSIT, ref, amount, device_id, ip_address)


def first_bid(*, user_id: UUID, ref: str, amount: int, device_id: str, ip_address: str) -> FirstThing:
    return FirstThing(user_id, Event.FIRST_BID, ref, amount, device_id, ip_address)
