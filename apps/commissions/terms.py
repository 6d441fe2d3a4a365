"""Database rows as values of the engine. Published versions never change, so a process keeps those it has read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from apps.commissions import engine
from apps.commissions.models import PartnerOverride, PlanVersion
from apps.orders.models import Order


def terms_of(version: PlanVersion) -> engine.Terms:
    """The version as the engine wants it; one query for its rules, and none for a published one read before."""
    return _published(version.pk) if version.is_published else _read(version)


@lru_cache(maxsize=512)
def _published(version_id: UUID) -> engine.Terms:
    return _read(PlanVersion.objects.get(pk=version_id))


def _read(version: PlanVersion) -> engine.Terms:
    return engine.Terms(
        plan_id=version.plan_id,
        version_id=version.pk,
        version=version.version,
        currency=version.currency,
        depth=version.depth,
        rules=tuple(rule.to_engine() for rule in version.rules.all()),
        base=engine.Base(version.base),
        compression=engine.Compression(version.compression),
        minimum=version.minimum,
        recurring=version.recurring,
    )


def upline_of(order: Order) -> list[engine.Ancestor]:
    """Everybody above the buyer as they stood when the order was recorded, nearest first."""
    return [
        engine.Ancestor(UUID(step["partner_id"]), UUID(step["user_id"]), step["level"], step["status"], step["name"])
        for step in order.upline
    ]


class Overrides:
    """The own rates of some partners, as of any moment: one query."""

    def __init__(self, partner_ids: Iterable[UUID]) -> None:
        self._by_partner: dict[UUID, list[PartnerOverride]] = defaultdict(list)
        for override in PartnerOverride.objects.filter(partner_id__in=list(partner_ids)):
            self._by_partner[override.partner_id].append(override)

    def at(self, moment: datetime, partner_ids: Iterable[UUID]) -> Mapping[UUID, engine.RuleBook]:
        books = {}
        for partner_id in partner_ids:
            held = [override for override in self._by_partner.get(partner_id, ()) if override.holds_at(moment)]
            if held:
                books[partner_id] = engine.RuleBook(override.to_engine() for override in held)
        return books
