"""What a batch would pay: who how much by what, and who not and why. One statement, however many people."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from apps.payouts import gateways
from apps.payouts.models import PayoutBatch, PayoutBatchItem
from apps.payouts.services.methods import copy_addresses
from apps.sites.selectors import site_settings
from apps.wallet.services import guards

NEVER = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))
MANY = 500
"""So many people that the statistics of the table are to be made anew."""

# Of everybody with an approved request, and of everybody with earnings. The first reason that holds is the one that is told. A
# newest method that isn't ready is no reason to pay to an older one: that may be the account that was lost.
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
SELECT count(*) FILTER (WHERE status = 'ready'), coalesce(sum(amount) FILTER (WHERE status = 'ready'), 0)::bigint,
    count(*) FILTER (WHERE status = 'left_out'),
    encode(sha256(convert_to(coalesce(string_agg(concat_ws(' ', user_id, payout_id, method_id, gateway, amount, code), ';'
        ORDER BY user_id), ''), 'UTF8')), 'hex')
FROM payouts_payoutbatchitem WHERE batch_id = %s
"""


def leave_out(batch: PayoutBatch, code: str, **which: Any) -> None:
    """Those of its people who were to be paid, and are not: `code` says why."""
    rows = PayoutBatchItem.objects.filter(batch=batch, status=PayoutBatchItem.Status.READY, **which)
    rows.update(status=PayoutBatchItem.Status.LEFT_OUT, code=code)


def look(batch: PayoutBatch) -> None:
    """Write an item for everybody there is to look at, and what they come to on the batch. Of a locked one without items."""
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
    batch.digest = sum_up(batch)
    batch.save(update_fields=["digest"])
    if batch.count + batch.left_out >= MANY:
        transaction.on_commit(_count_items, robust=True)


def _count_items() -> None:
    """Until autovacuum comes by, the planner takes so many new rows for a few, and joins with them row by row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT payouts_items_counted()")


def sum_up(batch: PayoutBatch) -> str:
    """Write what its people come to on the batch. Returns the digest of them."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [batch.pk])
        batch.count, batch.amount, batch.left_out, digest = cursor.fetchone()
    batch.save(update_fields=["count", "amount", "left_out"])
    return str(digest)


def _keep_back(batch: PayoutBatch) -> None:
    """Those whose money must stay (apps.wallet.services.guards). Not the proposer: their own is left to others anyway."""
    ready = PayoutBatchItem.objects.filter(batch=batch, status=PayoutBatchItem.Status.READY)
    stay = guards.staying(ready.values_list("user_id", flat=True))
    for code in sorted(set(stay.values())):
        leave_out(batch, code, user_id__in=[user for user, why in stay.items() if why == code])
