"""Moving a partner, with everybody below, to another sponsor (X6). Staff only, and always audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Max
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.services import Actor
from apps.core import outbox
from apps.core.errors import Conflict, DomainError, Invalid
from apps.core.moments import LATEST
from apps.referrals.models import MAX_LEVEL, Partner, PartnerStats, TreeMove
from apps.referrals.models.partner import STEP
from apps.referrals.selectors import read_stats
from apps.referrals.services.circles import INTO_OWN_DOWNLINE, note_circle
from apps.referrals.services.folding import fold_stats
from apps.referrals.services.locks import hold_tree

if TYPE_CHECKING:
    from apps.accounts.models import User

Levels = list[int]


@dataclass(frozen=True)
class MovePlan:
    """What a move changes. `changes` names everybody above, before or after, with their people per level."""

    partner: Partner
    from_sponsor_id: UUID | None
    to_sponsor_id: UUID | None
    people: int
    depth_change: int
    deepest_level: int
    changes: dict[UUID, tuple[Levels, Levels]]


def preview_move(*, partner: Partner, new_sponsor: Partner | None) -> MovePlan:
    """What `move_partner` would change now. Raises as it does, and writes nothing."""
    _check(partner, new_sponsor)
    return _plan(partner, new_sponsor)


@transaction.atomic
def move_partner(
    *, partner: Partner, new_sponsor: Partner | None, reason: str, actor: Actor, effective_at: datetime | None = None
) -> TreeMove:
    """Hang a partner below `new_sponsor`, None for the top of the site; now, or planned for `effective_at`.

    Old orders keep the upline they were paid under. Raises Invalid (move_into_own_downline, sponsor_frozen, already_there,
    effective_in_past), Conflict (tree_full, move_scheduled).
    """
    if effective_at is not None and effective_at < timezone.now():
        raise Invalid("effective_in_past", "A move never looks back.", field="effective_at")
    if effective_at is not None and effective_at >= LATEST:
        raise Invalid("invalid", "Choose a time before the year 2200.", field="effective_at")
    if effective_at is not None and effective_at > timezone.now():
        return _schedule(partner, new_sponsor, reason, actor, effective_at)
    move = TreeMove(partner=partner, to_sponsor=new_sponsor, reason=reason, requested_by_id=_user_id(actor))
    move.effective_at = timezone.now()
    return _apply(move, actor)


def apply_due_moves() -> int:
    """Carry out what was planned at the present site. A move that has become impossible is refused, with its reason."""
    due = TreeMove.objects.filter(status=TreeMove.Status.SCHEDULED, effective_at__lte=timezone.now())
    done = 0
    for pk in list(due.order_by("effective_at", "id").values_list("pk", flat=True)):
        with transaction.atomic():
            hold_tree(exclusive=True)
            move = due.select_related("requested_by").filter(pk=pk).first()
            if move is None:
                continue
            try:
                with transaction.atomic():
                    _apply(move, move.requested_by or audit.SYSTEM)
            except DomainError as error:
                move.status, move.refusal = TreeMove.Status.REFUSED, error.code
                move.save(update_fields=["status", "refusal"])
                audit.record(actor=audit.SYSTEM, action="partner.move_refused", target=move, reason=error.message)
                if error.code == INTO_OWN_DOWNLINE:
                    note_circle(partner_id=move.partner_id, reason=error.code, actor=audit.SYSTEM)
        done += 1
    return done


def _schedule(
    partner: Partner, new_sponsor: Partner | None, reason: str, actor: Actor, effective_at: datetime
) -> TreeMove:
    _check(partner, new_sponsor)
    try:
        with transaction.atomic():
            move = TreeMove.objects.create(
                partner=partner, from_sponsor_id=partner.sponsor_id, to_sponsor=new_sponsor, reason=reason,
                requested_by_id=_user_id(actor), effective_at=effective_at,
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict("move_scheduled", "A move of this partner is planned already.") from error
    audit.record(
        actor=actor, action="partner.move_scheduled", target=partner, reason=reason,
        after={"sponsor": move.to_sponsor_id, "effective_at": effective_at.isoformat()},
    )  # fmt: skip
    return move


def _apply(move: TreeMove, actor: Actor) -> TreeMove:
    """The move itself: alone with the tree, and with nothing left in the tail, so that the statistics are whole."""
    hold_tree(exclusive=True)
    partner = Partner.objects.people().get(pk=move.partner_id)
    new_sponsor = Partner.objects.people().get(pk=move.to_sponsor_id) if move.to_sponsor_id else None
    _check(partner, new_sponsor)
    fold_stats(wait=True)
    plan = _plan(partner, new_sponsor)
    Partner.objects.move(partner, new_sponsor or Partner.objects.get(depth=1), pos="last-child")
    Partner.objects.filter(pk=partner.pk).update(sponsor=new_sponsor)
    _write_stats(plan)
    move.status, move.applied_at = TreeMove.Status.APPLIED, timezone.now()
    move.from_sponsor_id, move.people = plan.from_sponsor_id, plan.people
    if move._state.adding:
        move.save(force_insert=True)
    else:
        move.save(update_fields=["status", "applied_at", "from_sponsor", "people"])
    audit.record(
        actor=actor, action="partner.moved", target=partner, reason=move.reason,
        before={"sponsor": plan.from_sponsor_id}, after={"sponsor": plan.to_sponsor_id, "people": plan.people},
    )  # fmt: skip
    outbox.publish("partner.moved", key=str(move.pk), payload={"move_id": str(move.pk), "partner_id": str(partner.pk)})
    return move


def _check(partner: Partner, new_sponsor: Partner | None) -> None:
    field = "new_sponsor_id"
    if (new_sponsor.pk if new_sponsor else None) == partner.sponsor_id:
        raise Invalid("already_there", "That is their sponsor already.", field=field)
    if new_sponsor is None:
        return
    if new_sponsor.pk == partner.pk or new_sponsor.is_below(partner):
        raise Invalid(INTO_OWN_DOWNLINE, "Nobody can stand below themselves.", field=field)
    if new_sponsor.status == Partner.Status.FROZEN:
        raise Invalid("sponsor_frozen", "A frozen partner takes nobody in.", field=field)


def _plan(partner: Partner, new_sponsor: Partner | None) -> MovePlan:
    """Sizes and statistics after the move. Raises Conflict (tree_full)."""
    branch = Partner.objects.filter(path__startswith=partner.path).order_by()
    size = branch.aggregate(people=Count("pk"), deepest=Max("depth"))
    new_depth = (new_sponsor.depth if new_sponsor else 1) + 1
    depth_change = new_depth - partner.depth
    if (size["deepest"] + depth_change) * STEP > Partner._meta.get_field("path").max_length:
        raise Conflict("tree_full", "The tree has no room for so deep a branch there.")
    return MovePlan(
        partner=partner,
        from_sponsor_id=partner.sponsor_id,
        to_sponsor_id=new_sponsor.pk if new_sponsor else None,
        people=size["people"],
        depth_change=depth_change,
        deepest_level=size["deepest"] - partner.depth,
        changes=_changes(partner, new_sponsor),
    )


def _changes(partner: Partner, new_sponsor: Partner | None) -> dict[UUID, tuple[Levels, Levels]]:
    """Without walking the branch: its people per level are its own statistics."""
    old = list(Partner.objects.upline_of(partner, depth=MAX_LEVEL))
    new = [new_sponsor, *Partner.objects.upline_of(new_sponsor, depth=MAX_LEVEL - 1)] if new_sponsor else []
    before = read_stats([partner.pk, *(person.pk for person in old), *(person.pk for person in new)])
    branch = [1, *before[partner.pk]]
    after = {pk: list(levels) for pk, levels in before.items() if pk != partner.pk}
    for sign, upline in ((-1, old), (1, new)):
        for distance, person in enumerate(upline, start=1):
            _shift(after[person.pk], branch, distance, sign)
    return {pk: (before[pk], levels) for pk, levels in after.items() if levels != before[pk]}


def _shift(levels: Levels, branch: Sequence[int], distance: int, sign: int) -> None:
    """Add or take a branch whose head is `distance` levels below; `branch[j]` people are j levels below the head."""
    for below, people in enumerate(branch):
        if distance + below <= MAX_LEVEL:
            levels[distance + below - 1] += sign * people


def _write_stats(plan: MovePlan) -> None:
    rows = list(PartnerStats.objects.filter(partner_id__in=plan.changes))
    for row in rows:
        row.levels = plan.changes[row.partner_id][1]
    PartnerStats.objects.bulk_update(rows, ["levels"])


def _user_id(actor: "Actor | User") -> UUID | None:
    return actor.actor_id if actor.actor_kind == "user" else None
