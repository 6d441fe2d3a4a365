"""A partner's own rates."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.commissions import engine
from apps.commissions.locks import lock_subject
from apps.commissions.models import PartnerOverride
from apps.commissions.services.plans import check_rules, columns
from apps.referrals.models import Partner


@transaction.atomic
def set_overrides(*, partner: Partner, rules: Sequence[engine.Rule], actor: audit.Actor) -> list[PartnerOverride]:
    """Make `rules` all that this partner has of their own, from now on; none removes them. Raises Invalid (a rule twice).

    What has not changed goes on as it is. Orders recorded before keep what held then.
    """
    check_rules(rules, depth=engine.MAX_DEPTH)
    lock_subject("overrides", partner.pk)
    held = list(PartnerOverride.objects.filter(partner=partner, ended_at=None))
    wanted = set(rules)
    ended = [override for override in held if override.to_engine() not in wanted]
    begun = [rule for rule in rules if rule not in {override.to_engine() for override in held}]
    if not ended and not begun:
        return held
    now = timezone.now()
    PartnerOverride.objects.filter(pk__in=[override.pk for override in ended]).update(ended_at=now)
    PartnerOverride.objects.bulk_create(
        [PartnerOverride(partner=partner, started_at=now, **columns(rule)) for rule in begun]
    )
    audit.record(
        actor=actor,
        action="override.set",
        target=partner,
        before={"rules": [str(override) for override in held]},
        after={
            "rules": [f"{rule.category} level {rule.level}: {columns(rule)['rate'] or rule.value}" for rule in rules]
        },
    )
    return list(PartnerOverride.objects.filter(partner=partner, ended_at=None))
