"""Plans and their versions."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.commissions import engine, errors
from apps.commissions.locks import lock_subject
from apps.commissions.models import CommissionPlan, PlanRule, PlanVersion
from apps.sites.selectors import current_site

TERMS = ("name", "depth", "base", "compression", "approval", "hold_days", "minimum", "recurring")


@transaction.atomic
def create_plan(*, terms: Mapping[str, Any], rules: Sequence[engine.Rule], actor: audit.Actor) -> PlanVersion:
    """A new plan as version 1, a draft. `terms` has the fields of TERMS. Raises Invalid (a rule twice, beyond the depth)."""
    check_rules(rules, depth=terms["depth"])
    version = PlanVersion.objects.create(
        plan=CommissionPlan.objects.create(), version=1, currency=current_site().currency, **terms
    )
    _write_rules(version, rules)
    audit.record(actor=actor, action="plan.created", target=version, after=describe(version))
    return version


@transaction.atomic
def update_plan(
    *, plan: CommissionPlan, terms: Mapping[str, Any], rules: Sequence[engine.Rule] | None, actor: audit.Actor
) -> PlanVersion:
    """Change the draft of a plan, opening the next version when the last one is published. What is not given stays.

    Raises Invalid (a rule twice, beyond the depth).
    """
    lock_subject("plan", plan.pk)
    last = PlanVersion.objects.filter(plan=plan).order_by("-version")[0]
    kept = {name: getattr(last, name) for name in TERMS}
    if rules is None:
        rules = [rule.to_engine() for rule in last.rules.all()]
    wanted = {**kept, **terms}
    check_rules(rules, depth=wanted["depth"])
    before = describe(last)
    draft = _open_draft(last, wanted) if last.is_published else last
    for name, value in wanted.items():
        setattr(draft, name, value)
    draft.save(update_fields=TERMS)
    _write_rules(draft, rules)
    audit.record(actor=actor, action="plan.changed", target=draft, before=before, after=describe(draft))
    return draft


@transaction.atomic
def publish_plan(*, plan: CommissionPlan, actor: audit.Actor) -> PlanVersion:
    """DRAFT -> PUBLISHED: from now on the site's orders are paid by it. Raises Conflict (no draft)."""
    lock_subject("plan", plan.pk)
    draft = PlanVersion.objects.drafts().filter(plan=plan).first()
    if draft is None:
        raise errors.no_draft()
    draft.status = PlanVersion.Status.PUBLISHED
    draft.published_at = timezone.now()
    draft.published_by_id = actor.actor_id if actor.actor_kind == "user" else None
    draft.save(update_fields=["status", "published_at", "published_by"])
    audit.record(actor=actor, action="plan.published", target=draft, after=describe(draft))
    return draft


def check_rules(rules: Sequence[engine.Rule], *, depth: int) -> None:
    """Raises Invalid."""
    seen: set[tuple[str, int]] = set()
    for rule in rules:
        if rule.level > depth:
            raise errors.bad_rule(f"Level {rule.level} lies beyond the plan's depth of {depth}.")
        if (rule.category, rule.level) in seen:
            raise errors.bad_rule(f"There are two rules for {rule.category} at level {rule.level}.")
        seen.add((rule.category, rule.level))


def describe(version: PlanVersion) -> dict[str, Any]:
    """For the audit: the terms and rules as they stand."""
    rules = [
        {"category": rule.category, "level": rule.level, "kind": rule.kind, "value": rule.value, "cap": rule.cap}
        for rule in PlanRule.objects.filter(version=version)
    ]
    return {"version": version.version, **{name: getattr(version, name) for name in TERMS}, "rules": rules}


def columns(rule: engine.Rule) -> dict[str, Any]:
    """A rule of the engine as the columns of a Rate."""
    percent = rule.kind == engine.Kind.PERCENT
    return {
        "category": rule.category,
        "level": rule.level,
        "kind": rule.kind.value,
        "rate": rule.value if percent else None,
        "flat_amount": None if percent else rule.value,
        "cap": rule.cap,
    }


def _open_draft(last: PlanVersion, terms: Mapping[str, Any]) -> PlanVersion:
    return PlanVersion.objects.create(plan_id=last.plan_id, version=last.version + 1, currency=last.currency, **terms)


def _write_rules(version: PlanVersion, rules: Sequence[engine.Rule]) -> None:
    PlanRule.objects.filter(version=version).delete()
    PlanRule.objects.bulk_create([PlanRule(version=version, **columns(rule)) for rule in rules])
