"""Freezing a partner with what depends on them, and giving it all back (X11). A person decides both."""

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.models import AuditEvent
from apps.bonuses import services as bonuses_
from apps.bonuses.models import Bonus
from apps.core.errors import Conflict, NotFound
from apps.core.models import OutboxEvent
from apps.fraud import errors
from apps.fraud.models import Freeze, FreezeItem
from apps.fraud.services.radius import Item, items_of, radius, sharing
from apps.rbac.access import load_access
from apps.referrals.models import Partner
from apps.referrals.services import set_partner_status, thaw_partner

Kind, Outcome = FreezeItem.Kind, FreezeItem.Outcome
FREEZES_BONUSES = "referral.bonus.freeze"


@transaction.atomic
def freeze_partner(
    *,
    partner: Partner,
    reason: str,
    actor: audit.Actor,
    also: Sequence[UUID] = (),
    bonuses: bool = True,
    seen: str = "",
) -> Freeze:
    """Freeze the partner, those of the downline in `also`, and what depends on them; write down how each thing was.

    `seen` is the digest of the radius that was looked at. `bonuses` False: the actor may not freeze them, and they stay.
    Raises NotFound, Denied (own_freeze), Invalid (not_in_radius), Conflict (invalid_state: frozen already; radius_changed).
    Then nothing has changed.
    """
    found = _lock_partners([partner.pk, *also])
    if partner.pk not in found:
        raise NotFound()
    partner = found[partner.pk]
    if any(each.user_id == actor.actor_id for each in found.values()):
        raise errors.own_freeze()
    if partner.status == Partner.Status.FROZEN:
        raise errors.already_frozen()
    others = choose(partner=partner, also=also)
    _lock_bonuses([partner, *others])
    now = radius(partner, also=others, bonuses=bonuses)
    if seen and seen != now.digest:
        raise errors.radius_changed()
    freeze = _write_down(partner, reason, actor, now.items)
    _freeze_rows(freeze, now.items, actor)
    after = {str(row["kind"]): row["count"] for row in now.totals}
    audit.record(actor=actor, action="partner.freeze_started", target=freeze, after=after, reason=reason)
    return freeze


@transaction.atomic
def lift_freeze(*, freeze: Freeze, reason: str, actor: audit.Actor, bonuses: bool = True) -> Freeze:
    """ACTIVE -> LIFTED: what it froze and is frozen still becomes what it was. Nothing else moves.

    Raises Conflict (invalid_state), Denied (own_freeze).
    """
    freeze = Freeze.objects.select_for_update(no_key=True).get(pk=freeze.pk)
    if freeze.status != Freeze.Status.ACTIVE:
        raise errors.already_lifted()
    items = list(freeze.items.filter(outcome=Outcome.NONE).select_related("partner").order_by("id"))
    _lock_partners([item.partner_id for item in items])
    if any(item.partner.user_id == actor.actor_id for item in items):
        raise errors.own_freeze()
    restored = _restore(items, reason, actor, bonuses=bonuses)
    freeze.advance(to=Freeze.Status.LIFTED)
    freeze.lifted_at, freeze.lifted_by, freeze.lift_reason = timezone.now(), _person(actor), reason
    freeze.save(update_fields=["status", "lifted_at", "lifted_by", "lift_reason"])
    after = {"restored": restored, "left": len(items) - restored}
    audit.record(actor=actor, action="partner.freeze_lifted", target=freeze, after=after, reason=reason)
    return freeze


def follow_status(events: Sequence[OutboxEvent]) -> None:
    """Consumes `partner.status_changed` {partner_id, before, status}: a freeze by another door has the same radius.

    Compares what is now with what is written down, so a late or repeated event does nothing.
    """
    for event in events:
        _follow(UUID(event.payload["partner_id"]), event.payload["before"], event.key)


def _follow(partner_id: UUID, before: str, audit_id: str) -> None:
    partner = _lock_partners([partner_id])[partner_id]
    held = FreezeItem.objects.filter(
        kind=Kind.PARTNER, object_id=partner.pk, outcome=Outcome.NONE, freeze__status=Freeze.Status.ACTIVE
    ).select_related("freeze")
    item = held.first()
    is_frozen = partner.status == Partner.Status.FROZEN
    if is_frozen == (item is not None):
        return
    actor, reason, bonuses = _who_decided(audit_id)
    if item is None:
        _adopt(partner, before, reason, actor, bonuses=bonuses)
    elif item.freeze.partner_id == partner.pk:
        lift_freeze(freeze=item.freeze, reason=reason, actor=actor, bonuses=bonuses)
    else:
        rows = item.freeze.items.filter(partner=partner, outcome=Outcome.NONE).select_related("partner").order_by("id")
        _restore(list(rows), reason, actor, bonuses=bonuses)


def _adopt(partner: Partner, before: str, reason: str, actor: audit.Actor, *, bonuses: bool) -> None:
    """The partner is frozen already; what depends on them follows."""
    _lock_bonuses([partner])
    was, *rest = items_of([partner], bonuses=bonuses)
    if before == Partner.Status.FROZEN:  # an older event tells of another change
        return
    items = [Item(was.kind, was.pk, was.partner, was.effect, before, was.name), *rest]
    freeze = _write_down(partner, reason, actor, items)
    _freeze_rows(freeze, rest, actor)
    audit.record(
        actor=actor, action="partner.freeze_started", target=freeze, after={"items": len(items)}, reason=reason
    )


def _who_decided(audit_id: str) -> tuple[audit.Actor, str, bool]:
    """(actor, reason, may they freeze bonuses?) of a change of status, from the audit. The machine's own changes may all."""
    event = AuditEvent.objects.get(pk=audit_id)
    reason, by_person = event.reason, event.actor_kind == "user" and event.actor_id is not None
    user = User.objects.filter(pk=str(event.actor_id)).first() if by_person else None
    if user is None:
        return audit.SYSTEM, reason, True
    return user, reason, load_access(user.pk).at_site(FREEZES_BONUSES)


def _lock_partners(ids: Sequence[UUID]) -> dict[UUID, Partner]:
    """In the order of their ids."""
    rows = Partner.objects.people().filter(pk__in=set(ids)).order_by("pk").select_for_update()
    return {row.pk: row for row in rows}


def _lock_bonuses(partners: Sequence[Partner]) -> None:
    """So that none is credited between being listed and being frozen."""
    rows = Bonus.objects.filter(referrer_id__in=[each.user_id for each in partners], status__in=Bonus.OPEN)
    list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def choose(*, partner: Partner, also: Sequence[UUID]) -> list[Partner]:
    """Those of the downline to be frozen along. Raises Invalid not_in_radius."""
    if not also:
        return []
    offered = {each.partner.pk: each.partner for each in sharing(partner)}
    if not offered.keys() >= set(also):
        raise errors.not_in_radius()
    return [offered[pk] for pk in dict.fromkeys(also)]


def _write_down(partner: Partner, reason: str, actor: audit.Actor, items: Sequence[Item]) -> Freeze:
    try:
        with transaction.atomic():
            freeze = Freeze.objects.create(partner=partner, reason=reason, created_by=_person(actor))
    except IntegrityError as error:
        raise errors.already_frozen() from error
    rows = [
        FreezeItem(
            freeze=freeze, partner=item.partner, kind=item.kind, object_id=item.pk, name=item.name, effect=item.effect,
            state_before=item.state, kept=item.kept, amount=item.amount, currency=item.currency,
        )
        for item in items
    ]  # fmt: skip
    FreezeItem.objects.bulk_create(rows, batch_size=1000)
    return freeze


def _freeze_rows(freeze: Freeze, items: Sequence[Item], actor: audit.Actor) -> None:
    """Only those whose own state changes: what is held waits because the partner is frozen.

    Partners read the notes of their bonuses: these name the freeze, which says why to those who may read it.
    """
    for item in items:
        if item.kind == Kind.PARTNER:
            set_partner_status(partner=item.partner, status=Partner.Status.FROZEN, reason=freeze.reason, actor=actor)
        elif item.kind == Kind.BONUS:
            notes = f"The account is frozen: {freeze}"
            bonuses_.freeze_bonus(bonus=Bonus(pk=item.pk), fraud_notes=notes, actor=actor)


def _restore(items: Sequence[FreezeItem], reason: str, actor: audit.Actor, *, bonuses: bool) -> int:
    """How many are as before. One that somebody decided about meanwhile is left as it is."""
    restored = 0
    for item in items:
        item.outcome = Outcome.RESTORED if _restore_one(item, reason, actor, bonuses=bonuses) else Outcome.LEFT
        restored += item.outcome == Outcome.RESTORED
    FreezeItem.objects.bulk_update(items, ["outcome"], batch_size=1000)
    return restored


def _restore_one(item: FreezeItem, reason: str, actor: audit.Actor, *, bonuses: bool) -> bool:
    if item.effect == FreezeItem.Effect.HELD:
        return True
    if item.kind == Kind.BONUS and not bonuses:
        return False
    try:
        with transaction.atomic():
            if item.kind == Kind.PARTNER:
                thaw_partner(partner=item.partner, status=item.state_before, reason=reason, actor=actor)
            else:
                bonuses_.restore_bonus(
                    bonus=Bonus(pk=item.object_id), status=item.state_before, reason=reason, actor=actor, **item.kept
                )
    except Conflict:
        return False
    return True


def _person(actor: audit.Actor) -> User | None:
    return actor if isinstance(actor, User) else None
