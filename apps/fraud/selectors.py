"""Reads that join."""

from django.db.models import Count, Q, QuerySet

from apps.fraud.models import Freeze, FreezeItem


def freezes() -> QuerySet[Freeze]:
    """With whose they are and how much each touched."""
    rows = Freeze.objects.select_related("partner__user", "created_by", "lifted_by")
    left = Q(items__outcome=FreezeItem.Outcome.LEFT)
    return rows.annotate(touched=Count("items"), left=Count("items", filter=left)).order_by("-id")
