"""Figures in a tree row that apps above this one know: what somebody bought, what the viewer earned from them.

    # in the upper app's AppConfig.ready
    enrichment.register("purchases_total", "apps.orders.selectors.purchases_by_partner")

A provider is called once per page with the viewer, None for staff, and the page's partners; it answers {partner id: amount} in
one query and leaves out zeros.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.utils.module_loading import import_string

from apps.referrals.models import Partner
from apps.referrals.selectors import Person

Provider = Callable[[Partner | None, Sequence[Person]], Mapping[UUID, int]]

COLUMNS = ("purchases_total", "commission_total")
_providers: dict[str, str] = {}


def register(column: str, path: str) -> None:
    if column not in COLUMNS:
        raise ValueError(f"a tree row has no column {column}")
    _providers[column] = path


def totals(viewer: Partner | None, partners: Sequence[Person]) -> dict[str, Mapping[UUID, int]]:
    """{column: {partner: amount in minor units}}."""
    if not partners:
        return {}
    loaded: dict[str, Provider] = {column: import_string(path) for column, path in _providers.items()}
    return {column: provider(viewer, partners) for column, provider in loaded.items()}
