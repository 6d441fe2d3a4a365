"""Reads that join."""

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.fraud.models import FraudSettings, Freeze, FreezeItem, Review, Signal


def freezes() -> QuerySet[Freeze]:
    """With whose they are and how much each touched."""
    rows = Freeze.objects.select_related("partner__user", "created_by", "lifted_by")
    left = Q(items__outcome=FreezeItem.Outcome.LEFT)
    return rows.annotate(touched=Count("items"), left=Count("items", filter=left)).order_by("-id")


def signals() -> QuerySet[Signal]:
    """With whom they are about."""
    return Signal.objects.select_related("partner__user", "other__user").order_by("-id")


def reviews() -> QuerySet[Review]:
    """With whose they are, and who decided."""
    return Review.objects.select_related("partner__user", "decided_by", "freeze").order_by("-id")


def signals_of(review: Review) -> QuerySet[Signal]:
    """What it rests on, the heaviest first: what counts while it is open, what was decided with it afterwards."""
    if review.status == Review.Status.OPEN:
        its = signals().filter(partner_id=review.partner_id, review=None, expired_at=None)
    else:
        its = signals().filter(review=review)
    return its.order_by("-points", "-id")


def with_kind(rows: QuerySet[Review], kind: str) -> QuerySet[Review]:
    """Reviews that a signal of this kind is part of: it counts, or was decided with them."""
    decided = Signal.objects.filter(kind=kind, review=OuterRef("pk"))
    live = Signal.objects.filter(kind=kind, review=None, expired_at=None, partner=OuterRef("partner"))
    return rows.filter(Exists(decided) | Q(Exists(live), status=Review.Status.OPEN))


def fraud_settings() -> FraudSettings:
    """The site's, or what holds where it has set none."""
    return FraudSettings.objects.first() or FraudSettings()
