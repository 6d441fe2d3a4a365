"""Reads of bonuses that join or search."""

from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.bonuses.models import Bonus, BonusRule

_HEX = 32


def bonuses() -> QuerySet[Bonus]:
    """With the rule that each was worked out by."""
    return Bonus.objects.select_related("rule").order_by("-id")


def searched(rows: QuerySet[Bonus], term: str) -> QuerySet[Bonus]:
    """Those whose referrer or referred person has an id or an e-mail that begins so, whatever its case.

    Beginnings of ids are ranges of ids: an index serves them, and comparing ids is leakproof where LIKE is not.
    """
    term = term.strip().lower()
    found = Q(pk__in=[])
    digits = term.replace("-", "")
    if digits and len(digits) <= _HEX and set(digits) <= set("0123456789abcdef"):
        lowest, highest = UUID(digits.ljust(_HEX, "0")), UUID(digits.ljust(_HEX, "f"))
        found |= Q(referrer__gte=lowest, referrer__lte=highest) | Q(referred__gte=lowest, referred__lte=highest)
    people = User.objects.members().filter(email__gte=term, email__lt=f"{term}\U0010ffff").values("pk")
    return rows.filter(found | Q(referrer_id__in=people) | Q(referred_id__in=people)) if term else rows


def rules_in_force() -> list[BonusRule]:
    """The newest version of each type that has one, switched off or not."""
    return list(BonusRule.objects.order_by("type", "-version").distinct("type"))
