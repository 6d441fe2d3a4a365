"""Reads that join, and what others may ask about commissions."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet, Sum

from apps.commissions import engine
from apps.commissions.models import Commission, CommissionOutcome
from apps.commissions.terms import upline_of
from apps.core import money
from apps.orders.models import Order
from apps.referrals.models import Partner
from apps.referrals.selectors import Person
from apps.sites.selectors import current_site


def stats(commissions: QuerySet[Commission]) -> dict[str, Any]:
    """{status: {count, amount}}. Of the reversed, the amount is what was taken back: nothing is left of them."""
    found = (
        commissions.order_by()
        .values("status")
        .annotate(count=Count("pk"), now=Sum("amount"), was=Sum("original_amount"))
    )
    by_status = {row["status"]: row for row in found}
    buckets = {}
    for status in Commission.Status:
        row = by_status.get(status, {"count": 0, "now": 0, "was": 0})
        amount = row["was"] if status == Commission.Status.REVERSED else row["now"]
        buckets[status.value] = {"count": row["count"], "amount": int(amount)}
    return {**buckets, "currency": current_site().currency}


def commissions_by_partner(viewer: Partner | None, partners: Sequence[Person]) -> Mapping[UUID, int]:
    """{partner: what the viewer earned from their purchases; for staff, what everybody did}, for the rows of a tree page.

    Rejected and reversed commissions are left out, clawbacks taken off.
    """
    by_user = {partner.user_id: partner.pk for partner in partners if partner.user_id}
    counted = (Commission.Status.PENDING, Commission.Status.APPROVED, Commission.Status.PAID)
    rows = Commission.objects.filter(source_user_id__in=by_user, status__in=counted)
    if viewer is not None and viewer.user_id is not None:
        rows = rows.filter(user_id=viewer.user_id)
    totals = rows.order_by().values_list("source_user_id").annotate(total=Sum("amount"))
    return {by_user[source]: int(total) for source, total in totals}


def outcomes_of(order: Order, *, partner_id: UUID | None = None, users: Any = None) -> list[dict[str, Any]]:
    """Per line and level: the commission, or the reason. For one partner, or for `users`, a queryset of ids, only the rows that
    name them.

    Someone in the upline whom no level of the plan names is told why in a row of their own: skipped by compression, or
    above the deepest level.
    """
    commissions = Commission.objects.filter(order=order, kind=Commission.Kind.COMMISSION)
    reasons = CommissionOutcome.objects.filter(order=order)
    if partner_id is not None:
        commissions, reasons = commissions.filter(partner_id=partner_id), reasons.filter(partner_id=partner_id)
    if users is not None:
        commissions, reasons = commissions.filter(user_id__in=users), reasons.filter(partner__user_id__in=users)
    names = {step.partner_id: step.name for step in upline_of(order)}
    rows = [_paying(commission, names) for commission in commissions.select_related("version")]
    rows += [_not_paying(outcome, names) for outcome in reasons.select_related("version", "line")]
    if partner_id is not None and not rows and order.commissioned_at is not None:
        rows = _unnamed(order, partner_id)
    return sorted(rows, key=lambda row: (str(row["line_id"]), row["level"]))


def explain(commission: Commission) -> dict[str, Any]:
    """All that the amount follows from (X1): `engine.recompute` gives it back."""
    version, line, order = commission.version, commission.line, commission.order
    clawback = commission.kind == Commission.Kind.CLAWBACK
    value = commission.flat_amount if commission.rate is None else money.rate_text(commission.rate)
    compression = engine.Compression(version.compression)
    return {
        "commission_id": commission.pk,
        "kind": commission.kind,
        "clawback_of": commission.clawback_of_id,
        "line": {"id": line.pk, "category": commission.category, "quantity": line.quantity, "amount": line.amount},
        "plan": {
            "id": version.plan_id,
            "version": version.version,
            "name": version.name,
            "base": version.base,
            "compression": version.compression,
        },
        "rule": {
            "category": commission.rule_category,
            "level": commission.level,
            "kind": commission.rule_kind,
            "value": value,
            "cap": commission.cap,
        },
        "override": commission.override,
        "base_amount": commission.base_amount,
        "rate": money.rate_text(commission.rate) if commission.rate is not None else None,
        "flat_amount": commission.flat_amount,
        "exact": money.exact_text(commission.exact),
        "rounding": "half_up",
        "capped": commission.cap is not None and commission.exact > commission.cap,
        "amount": commission.original_amount,
        "refund": {"before": commission.refunded_before, "after": commission.refunded_after} if clawback else None,
        "reversed_amount": commission.reversed_amount,
        "current_amount": commission.amount,
        "currency": commission.currency,
        "path": [
            {
                "partner_id": step.ancestor.partner_id,
                "level": step.ancestor.level,
                "name": step.ancestor.name,
                "status": step.ancestor.status,
                "skipped": step.skipped,
            }
            for step in engine.path_to(upline_of(order), compression, commission.distance)
        ],
        "as_of": order.recorded_at,
    }


def sites_with_due_commissions() -> list[UUID]:
    """Sites, of all, where a hold is over and approval is automatic: a guard function that returns ids and no rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT site_id FROM commissions_due()")
        return [row[0] for row in cursor.fetchall()]


def _person(partner_id: UUID | None, names: Mapping[UUID, str]) -> dict[str, Any] | None:
    return {"id": partner_id, "name": names.get(partner_id, "")} if partner_id else None


def _paying(commission: Commission, names: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "line_id": commission.line_id,
        "category": commission.category,
        "level": commission.level,
        "partner": _person(commission.partner_id, names),
        "commission_id": commission.pk,
        "amount": commission.amount,
        "status": commission.status,
        "reason": None,
        "plan_version": commission.version.version,
    }


def _not_paying(outcome: CommissionOutcome, names: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "line_id": outcome.line_id,
        "category": outcome.line.category,
        "level": outcome.level,
        "partner": _person(outcome.partner_id, names),
        "commission_id": None,
        "amount": None,
        "status": None,
        "reason": outcome.reason,
        "plan_version": outcome.version.version if outcome.version else None,
    }


def _unnamed(order: Order, partner_id: UUID) -> list[dict[str, Any]]:
    step = next((step for step in upline_of(order) if step.partner_id == partner_id), None)
    if step is None:
        return []
    reason = engine.Reason.INACTIVE_PARTNER if engine.is_skipped(step) else engine.Reason.BEYOND_DEPTH
    return [
        {
            "line_id": line.pk,
            "category": line.category,
            "level": step.level,
            "partner": {"id": partner_id, "name": step.name},
            "commission_id": None,
            "amount": None,
            "status": None,
            "reason": reason.value,
            "plan_version": None,
        }
        for line in order.lines.all()
    ]
