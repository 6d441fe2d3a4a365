"""From signals to a score, from a score to a review, and what a person decides about it. Nothing is released by a timer."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from apps.audit import services as audit
from apps.bonuses import services as bonuses_
from apps.bonuses.models import Bonus
from apps.core.errors import Conflict, NotFound
from apps.core.locks import hold
from apps.fraud import errors
from apps.fraud.models import FraudSettings, Freeze, Kind, Review, Signal
from apps.fraud.services.evidence import Found, write_signals
from apps.fraud.services.freezing import freeze_partner, lift_freeze
from apps.referrals.models import Partner

Status, Level = Review.Status, Review.Level


# --- what holds ------------------------------------------------------------------------------------------------------------


def is_held(user_id: UUID) -> bool:
    """Does an open review keep this person's money?"""
    held = Review.objects.filter(partner__user_id=user_id, status=Status.OPEN, level__in=Review.HOLDS)
    return held.exists()


def check_not_held(user_id: UUID) -> None:
    """A guard of the wallet. Raises Conflict under_review."""
    if is_held(user_id):
        raise errors.under_review()


def held_among(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The same of many."""
    held = Review.objects.filter(partner__user_id__in=user_ids, status=Status.OPEN, level__in=Review.HOLDS)
    return dict.fromkeys(held.values_list("partner__user_id", flat=True), errors.UNDER_REVIEW)


# --- the score -------------------------------------------------------------------------------------------------------------


def counting() -> Any:
    """The signals that make up scores: nobody has decided about them, and they are not forgotten."""
    return Signal.objects.filter(review=None, expired_at=None)


def take_note(found: Sequence[Found], settings: FraudSettings) -> None:
    """Keep evidence, and see what it adds up to. Reviews are locked before their signals, by whoever writes either."""
    for pk in sorted({each.partner_id for each in found}):
        _hold(pk)
    assess(write_signals(found), settings)


def assess(partner_ids: Iterable[UUID], settings: FraudSettings) -> None:
    """Open the review of each whose score passes a threshold, or raise it. A score that passes the last freezes.

    One review is written by one at a time; its lock comes before those of a freeze.
    """
    ids = sorted(partner_ids)
    for pk in ids:
        _hold(pk)
    sums = counting().filter(partner_id__in=ids).order_by().values_list("partner_id").annotate(score=Sum("points"))
    scores = dict(sums)
    known = {row.partner_id: row for row in Review.objects.filter(partner_id__in=ids, status=Status.OPEN)}
    for pk in ids:
        score = scores.get(pk, 0)
        level = settings.level_of(score)
        if pk in known:
            _raise_to(known[pk], score, level)
        elif level:
            _open(pk, score, level)


def _open(partner_id: UUID, score: int, level: str) -> None:
    review = Review.objects.create(partner_id=partner_id, score=score, level=level)
    after = {"score": score, "level": level}
    audit.record(actor=audit.SYSTEM, action="review.opened", target=review, after=after)
    if level == Level.FREEZE:
        _freeze(review)


def _raise_to(review: Review, score: int, level: str) -> None:
    """A level only rises; a person lowers it by deciding."""
    before = {"score": review.score, "level": review.level}
    order = ("", *Review.LEVELS)
    level = max(review.level, level, key=order.index)
    if (score, level) == (review.score, review.level):
        return
    rises = level != review.level
    review.score, review.level = score, level
    review.save(update_fields=["score", "level"])
    if rises:
        after = {"score": score, "level": level}
        audit.record(actor=audit.SYSTEM, action="review.raised", target=review, before=before, after=after)
    if rises and level == Level.FREEZE:
        _freeze(review)


def _freeze(review: Review) -> None:
    """By the machine, with its radius. Whom a person froze already stays as that person decided.

    The reason stays for ever, here and in the audit: it names kinds, and evidence stands in the signals alone (forgetting.py).
    """
    kinds = counting().filter(partner_id=review.partner_id).order_by("-points", "id").values_list("kind", flat=True)
    told = ". ".join(str(Kind(kind).label) for kind in dict.fromkeys(kinds))
    reason = f"A score of {review.score}. {told}."[:500]
    try:
        review.freeze = freeze_partner(partner=review.partner, reason=reason, actor=audit.SYSTEM)
    except Conflict:
        return
    review.save(update_fields=["freeze"])


# --- what a person decides ---------------------------------------------------------------------------------------------------


def digest(signals: Sequence[Signal]) -> str:
    """Of the signals that count: who decides about a review has seen these."""
    seen = sorted(f"{each.pk}:{each.points}" for each in signals if each.counts)
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:32]


@transaction.atomic
def clear_review(*, review: Review, reason: str, actor: audit.Actor, seen: str = "", bonuses: bool = True) -> Review:
    """OPEN -> CLEARED: its signals never count again, the machine's freeze is lifted, and bonuses that waited are credited.

    `seen` is the digest of the signals that were looked at. `bonuses` False: the actor may not unfreeze them, so they stay.
    Raises Denied (own_review), Conflict (invalid_state, review_changed).
    """
    review = _decide(review, Status.CLEARED, reason, actor, seen)
    freeze = review.freeze
    if freeze is not None and freeze.status == Freeze.Status.ACTIVE:
        lift_freeze(freeze=freeze, reason=reason, actor=actor, bonuses=bonuses)
    _credit_waiting(review.partner.user_id)
    return review


@transaction.atomic
def confirm_review(
    *, review: Review, reason: str, actor: audit.Actor, seen: str = "", also: Sequence[UUID] = (), radius_seen: str = "",
    bonuses: bool = True,
) -> Review:  # fmt: skip
    """OPEN -> CONFIRMED: the partner is frozen with what depends on them, unless they are already.

    Raises as `clear_review` and `freeze_partner` do; then nothing has changed.
    """
    review = _decide(review, Status.CONFIRMED, reason, actor, seen)
    active = Freeze.objects.filter(partner_id=review.partner_id, status=Freeze.Status.ACTIVE).first()
    if active is None and review.partner.status != Partner.Status.FROZEN:
        active = freeze_partner(
            partner=review.partner, reason=reason, actor=actor, also=also, bonuses=bonuses, seen=radius_seen
        )
    review.freeze = active
    review.save(update_fields=["freeze"])
    return review


def _decide(review: Review, status: str, reason: str, actor: audit.Actor, seen: str) -> Review:
    """The review is decided, and what counts so far belongs to it: it was looked at, and is not looked at again."""
    _hold(review.partner_id)
    found = Review.objects.select_related("partner__user", "freeze").filter(pk=review.pk).first()
    if found is None:
        raise NotFound()
    if found.partner.user_id == actor.actor_id:
        raise errors.own_review()
    if found.status != Status.OPEN:
        raise errors.review_decided()
    signals = list(counting().filter(partner_id=found.partner_id).select_for_update(of=("self",), no_key=True))
    if seen and seen != digest(signals):
        raise errors.review_changed()
    found.advance(to=status)
    found.decided_at, found.decided_by_id, found.reason = timezone.now(), actor.actor_id, reason
    found.score = sum(each.points for each in signals)
    found.save(update_fields=["status", "decided_at", "decided_by", "reason", "score"])
    Signal.objects.filter(pk__in=[each.pk for each in signals]).update(review=found)
    audit.record(
        actor=actor, action=f"review.{status}", target=found, before={"status": Status.OPEN}, reason=reason,
        after={"status": status, "score": found.score, "signals": len(signals)},
    )  # fmt: skip
    return found


def _credit_waiting(user_id: UUID | None) -> None:
    waiting = Bonus.objects.filter(referrer_id=user_id, status=Bonus.Status.PENDING, approval_mode=Bonus.Approval.AUTO)
    for bonus in waiting.order_by("id"):
        bonuses_.credit_if_cleared(bonus)


def _hold(partner_id: UUID) -> None:
    hold(f"fraud.review.{partner_id}")
