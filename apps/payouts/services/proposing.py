"""A batch before it runs: who would be paid how much by what, and who not and why. One statement, however many people."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid
from apps.payouts import errors, gateways
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem
from apps.payouts.services.decisions import person_of
from apps.payouts.services.methods import copy_addresses
from apps.sites.models import SiteSettings
from apps.sites.selectors import current_site, site_settings
from apps.wallet.services import guards

Status = PayoutBatch.Status
Schedule = SiteSettings.PayoutSchedule
NEVER = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))

# Of everybody with an approved request, and of everybody with earnings. The first reason that holds is the one that is told.
_ITEMS = """
WITH gateway_of AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(gateways)s::text[]) AS g (kind, gateway)
), wallets AS (
    SELECT a.user_id, a.earnings_id, a.free, a.owed FROM (
        SELECT w.user_id, (array_agg(w.id) FILTER (WHERE w.kind = 'earnings'))[1] AS earnings_id,
            coalesce(sum(b.balance) FILTER (WHERE w.kind = 'earnings'), 0) AS free,
            -coalesce(sum(b.balance) FILTER (WHERE w.kind = 'owed'), 0) AS owed
        FROM wallet_account w JOIN wallet_balance b ON b.account_id = w.id
        WHERE w.currency = %(currency)s AND w.kind IN ('earnings', 'owed') GROUP BY w.user_id
    ) a WHERE a.free > 0 OR a.owed > 0
), old_enough AS (
    SELECT l.account_id, sum(l.amount - l.reserved - l.consumed) AS free FROM wallet_lot l
    WHERE %(net_days)s > 0 AND l.created_at < %(earned_before)s AND l.amount > l.reserved + l.consumed GROUP BY l.account_id
), newest AS (
    -- The newest that something pays here: an address kept for tokens alone must not stand before a bank account.
    SELECT DISTINCT ON (o.user_id) o.user_id, o.id, o.connect_state, o.ready_at, g.gateway
    FROM payouts_ownmethod o
    LEFT JOIN accounts_cryptoaddress c ON c.id = o.id
    LEFT JOIN gateway_of g ON g.kind = o.kind AND (o.kind <> 'crypto' OR c.network = %(network)s)
    ORDER BY o.user_id, g.gateway IS NULL, o.id DESC
), methods AS (
    SELECT n.user_id, coalesce(k.id, n.id) AS id, n.gateway,
        CASE WHEN n.gateway IS NULL THEN '' WHEN n.connect_state NOT IN ('', 'ready') THEN 'method_not_ready'
             WHEN n.ready_at > %(now)s THEN 'method_rests' ELSE '' END AS waits
    FROM newest n
    LEFT JOIN payouts_payoutmethod k ON k.address_id = n.id
), under_way AS (
    SELECT user_id, status FROM payouts_payout WHERE status IN ('requested', 'approved', 'processing')
), lately AS (
    SELECT DISTINCT user_id FROM payouts_payout WHERE status = 'completed' AND finished_at > %(paid_since)s
), found AS (
    SELECT p.user_id, p.id AS payout_id, p.method_id, p.amount, 0::bigint AS owed,
        CASE WHEN p.method_id IS NULL THEN 'manual'
             WHEN m.kind = 'crypto' AND c.network IS DISTINCT FROM %(network)s THEN ''
             ELSE coalesce(g.gateway, '') END AS gateway,
        CASE WHEN p.user_id = %(proposer)s THEN 'own_payout' ELSE '' END AS code
    FROM payouts_payout p
    LEFT JOIN payouts_payoutmethod m ON m.id = p.method_id
    LEFT JOIN accounts_cryptoaddress c ON c.id = m.address_id
    LEFT JOIN gateway_of g ON g.kind = m.kind
    WHERE %(with_requests)s AND p.status = 'approved'
  UNION ALL
    SELECT w.user_id, NULL, m.id, n.net, w.owed,
        CASE WHEN m.id IS NULL THEN %(without_method)s ELSE coalesce(m.gateway, '') END,
        CASE WHEN w.user_id = %(proposer)s THEN 'own_payout'
             WHEN u.status = 'requested' THEN 'not_approved' WHEN u.status IS NOT NULL THEN 'payout_in_progress'
             WHEN l.user_id IS NOT NULL THEN 'cooldown' WHEN n.net <= 0 AND w.owed > 0 THEN 'negative_balance'
             WHEN n.net < %(minimum)s THEN 'below_minimum' WHEN m.id IS NULL AND %(without_method)s = '' THEN 'no_method'
             ELSE coalesce(m.waits, '') END
    FROM wallets w
    LEFT JOIN old_enough o ON o.account_id = w.earnings_id
    CROSS JOIN LATERAL (
        SELECT (CASE WHEN %(net_days)s > 0 THEN least(w.free, coalesce(o.free, 0)) ELSE w.free END - w.owed)::bigint AS net
    ) n
    LEFT JOIN methods m ON m.user_id = w.user_id
    LEFT JOIN under_way u ON u.user_id = w.user_id
    LEFT JOIN lately l ON l.user_id = w.user_id
    WHERE %(with_available)s AND NOT (%(with_requests)s AND coalesce(u.status, '') = 'approved')
), told AS (
    SELECT *, CASE WHEN code <> '' THEN code WHEN gateway = '' THEN 'gateway_unavailable' ELSE '' END AS why FROM found
)
INSERT INTO payouts_payoutbatchitem (id, site_id, batch_id, user_id, payout_id, method_id, gateway, amount, owed, status, code)
SELECT gen_random_uuid(), current_site(), %(batch)s, user_id, payout_id, method_id, gateway, amount, owed,
    CASE WHEN why = '' THEN 'ready' ELSE 'left_out' END, why FROM told
"""

_SUMS = """
SELECT count(*) FILTER (WHERE status = 'ready'), coalesce(sum(amount) FILTER (WHERE status = 'ready'), 0),
    count(*) FILTER (WHERE status = 'left_out'),
    encode(sha256(convert_to(coalesce(string_agg(concat_ws(' ', user_id, payout_id, method_id, gateway, amount, code), ';'
        ORDER BY user_id), ''), 'UTF8')), 'hex')
FROM payouts_payoutbatchitem WHERE batch_id = %s
"""


@transaction.atomic
def propose_batch(
    *, with_requests: bool, with_available: bool, actor: audit.Actor, due_on: date | None = None
) -> PayoutBatch:
    """PROPOSED, with an item for everybody it looked at. `with_requests`: all approved payouts; `with_available`: what everybody
    has earned, from the site's minimum on. Raises Invalid (neither), Conflict (nothing_to_pay)."""
    if not (with_requests or with_available):
        raise Invalid("invalid", "Requests, earnings or both.", field="with_requests")
    batch = PayoutBatch.objects.create(
        with_requests=with_requests, with_available=with_available, due_on=due_on, currency=current_site().currency,
        created_by_id=person_of(actor),
    )  # fmt: skip
    _look(batch)
    if not batch.count and not batch.left_out:
        raise errors.nothing_to_pay()
    audit.record(actor=actor, action="payout_batch.proposed", target=batch, after=_told(batch))
    return batch


@transaction.atomic
def refresh_batch(*, batch: PayoutBatch, actor: audit.Actor) -> PayoutBatch:
    """Look again at a PROPOSED one; who does has proposed what it then says. Raises Conflict (state)."""
    batch = locked_batch(batch.pk)
    _require_proposed(batch)
    PayoutBatchItem.objects.filter(batch=batch).delete()
    batch.created_by_id = person_of(actor)
    batch.save(update_fields=["created_by"])
    _look(batch)
    audit.record(actor=actor, action="payout_batch.refreshed", target=batch, after=_told(batch))
    return batch


@transaction.atomic
def cancel_batch(*, batch: PayoutBatch, actor: audit.Actor) -> PayoutBatch:
    """PROPOSED → CANCELLED. Raises Conflict (state)."""
    batch = locked_batch(batch.pk)
    batch.advance(to=Status.CANCELLED)
    batch.save(update_fields=["status"])
    audit.record(actor=actor, action="payout_batch.cancelled", target=batch)
    return batch


@transaction.atomic
def approve_batch(*, batch: PayoutBatch, actor: audit.Actor, seen: str) -> PayoutBatch:
    """PROPOSED → RUNNING, by another than who proposed it; `seen` is the digest of what they saw.

    Their own payout is left to others. Raises Denied (own_batch; four_eyes: a machine proposed it, and no person has looked),
    Conflict (state, batch_changed; nothing_to_pay: everybody is left out).
    """
    from apps.payouts.services.running import next_step

    batch, person = locked_batch(batch.pk), person_of(actor)
    _require_proposed(batch)
    if batch.created_by_id is None and site_settings().four_eyes:
        raise errors.four_eyes()
    if person is None or batch.created_by_id == person:
        raise errors.own_batch()
    if seen != batch.digest:
        raise errors.batch_changed()
    _leave(batch, "own_payout", user_id=person)
    if site_settings().four_eyes:
        approved_alone = Payout.objects.filter(status=Payout.Status.APPROVED, approved_by_id=person)
        _leave(batch, "four_eyes", payout_id__in=approved_alone.values("pk"))
    if not PayoutBatchItem.objects.filter(batch=batch, status=PayoutBatchItem.Status.READY).exists():
        raise errors.nothing_to_pay()
    batch.advance(to=Status.RUNNING)
    batch.approved_by_id, batch.approved_at = person, timezone.now()
    batch.save(update_fields=["status", "approved_by", "approved_at"])
    audit.record(actor=actor, action="payout_batch.approved", target=batch, after=_told(batch))
    next_step(batch, 0)
    return batch


def propose_due() -> PayoutBatch | None:
    """What the site's schedule asks for today, once. Nothing where nobody is to be paid."""
    settings, site = site_settings(), current_site()
    today = timezone.now().astimezone(ZoneInfo(site.time_zone)).date()
    day = {Schedule.WEEKLY: today.isoweekday(), Schedule.MONTHLY: today.day}.get(Schedule(settings.payout_schedule))
    if day != settings.payout_day or PayoutBatch.objects.filter(due_on=today).exists():
        return None
    try:
        with transaction.atomic():
            return propose_batch(with_requests=True, with_available=True, actor=audit.SYSTEM, due_on=today)
    except (Conflict, IntegrityError):  # nobody to pay, or another worker was faster
        return None


def locked_batch(pk: UUID) -> PayoutBatch:
    return PayoutBatch.objects.select_for_update(no_key=True).get(pk=pk)


def _require_proposed(batch: PayoutBatch) -> None:
    if batch.status != Status.PROPOSED:
        raise Conflict("invalid_state", f"This batch is {batch.get_status_display().lower()}.")


def _leave(batch: PayoutBatch, code: str, **which: Any) -> None:
    rows = PayoutBatchItem.objects.filter(batch=batch, status=PayoutBatchItem.Status.READY, **which)
    rows.update(status=PayoutBatchItem.Status.LEFT_OUT, code=code)


def _look(batch: PayoutBatch) -> None:
    settings, now = site_settings(), timezone.now()
    kinds = gateways.offered_kinds()
    instead = {"waits": "", "manual": gateways.MANUAL, "wallet": gateways.WALLET}
    net_days = settings.payout_net_days if batch.due_on is not None else 0
    copy_addresses()
    params: dict[str, Any] = {
        "now": now, "batch": batch.pk, "proposer": batch.created_by_id, "currency": batch.currency, "kinds": list(kinds),
        "gateways": list(kinds.values()), "network": settings.payout_network, "minimum": settings.payout_minimum,
        "without_method": instead[settings.payout_without_method], "net_days": net_days,
        "earned_before": now - timedelta(days=net_days),
        "paid_since": now - timedelta(hours=settings.payout_cooldown_hours) if settings.payout_cooldown_hours else NEVER,
        "with_requests": batch.with_requests, "with_available": batch.with_available,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, params)
    _keep_back(batch)
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [batch.pk])
        batch.count, batch.amount, batch.left_out, batch.digest = cursor.fetchone()
    batch.save(update_fields=["count", "amount", "left_out", "digest"])


def _keep_back(batch: PayoutBatch) -> None:
    """Those whose money must stay (apps.wallet.services.guards). Not the proposer: their own is left to others anyway."""
    ready = PayoutBatchItem.objects.filter(batch=batch, status=PayoutBatchItem.Status.READY)
    stay = guards.staying(ready.values_list("user_id", flat=True))
    for code in sorted(set(stay.values())):
        _leave(batch, code, user_id__in=[user for user, why in stay.items() if why == code])


def _told(batch: PayoutBatch) -> dict[str, Any]:
    return {"count": batch.count, "amount": batch.amount, "left_out": batch.left_out, "digest": batch.digest}
