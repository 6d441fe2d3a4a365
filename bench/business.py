"""A site's business at full size, loaded by a superuser with generate_series: how it got there is not what is measured."""

from uuid import UUID

from apps.audit.services import SYSTEM
from apps.commissions.services import create_plan, publish_plan
from apps.core.tenancy import site_context
from apps.onboarding.demo.sites import SITES
from apps.rbac import catalogue
from apps.rbac.models import Role
from apps.sites.models import Site
from apps.wallet.models import Books
from apps.wallet.services.accounts import system_account
from bench.data import admin, load_partners

LEVELS = 20
DAYS = 400  # the business is a little over a year old

# Everybody is a member with a role and a pocket. `people` numbers them, so that the rest can pick by arithmetic.
_PEOPLE = """
CREATE TEMP TABLE people AS
    SELECT row_number() OVER (ORDER BY id) - 1 AS n, id AS partner_id, user_id, gen_random_uuid() AS account_id
    FROM referrals_partner WHERE site_id = %(site)s AND depth > 1;
ALTER TABLE people ADD PRIMARY KEY (n);
INSERT INTO accounts_membership (id, site_id, user_id, user_type, is_active, joined_at)
    SELECT uuidv7(), %(site)s, user_id, 'individual', true, now() - interval '1 day' * %(days)s FROM people;
INSERT INTO rbac_userrole (id, site_id, user_id, role_id, scope, created_at)
    SELECT uuidv7(), %(site)s, user_id, %(affiliate)s, 'own', now() FROM people;
INSERT INTO wallet_account (id, site_id, user_id, kind, currency, created_at)
    SELECT account_id, %(site)s, user_id, 'earnings', 'INR', now() FROM people;
INSERT INTO wallet_balance (account_id, site_id, is_debt, balance) SELECT account_id, %(site)s, false, 0 FROM people
"""
_ORDERS = """
CREATE TEMP TABLE sold AS
    SELECT n, uuidv7(moment - now()) AS order_id, uuidv7(moment - now()) AS line_id, uuidv7(moment - now()) AS customer_id,
           p.user_id, p.partner_id, moment, 10000 + (n * 7919) %% 990000 AS amount
    FROM (SELECT n, now() - interval '1 day' * %(days)s * (1 - n::float / %(orders)s) AS moment
          FROM generate_series(0, %(orders)s - 1) n) o
    JOIN people p USING (n);
INSERT INTO orders_customer (id, site_id, user_id, email, created_at, partner_id, attributed_at)
    SELECT customer_id, %(site)s, user_id, 'c' || n || '@shop.example', moment, partner_id, moment FROM sold;
INSERT INTO orders_order (id, site_id, customer_id, user_id, external_id, fingerprint, amount, refunded_amount, currency,
        status, upline, created_at, paid_at, recorded_at, commissioned_at, source, activated)
    SELECT order_id, %(site)s, customer_id, user_id, 'SHOP-' || n, '', amount, 0, 'INR', 'paid', '[]', moment, moment, moment,
           moment, 'external', false FROM sold;
INSERT INTO orders_orderline (id, site_id, order_id, category, sku, name, quantity, amount, refunded_amount, period, cycle,
        reserved)
    SELECT line_id, %(site)s, order_id, 'brokerage', '', 'Brokerage', 1, amount, 0, '', 1, 0 FROM sold
"""
# Of a hundred: 50 paid, 25 approved, 20 pending (half of them held), 3 rejected, 2 reversed.
_COMMISSIONS = """
CREATE TEMP TABLE earned AS
    SELECT s.*, level, uuidv7(s.moment - now()) AS commission_id, p.partner_id AS earner_id, p.user_id AS earner,
           p.account_id, s.amount / 100 AS pay,
           CASE WHEN draw < 50 THEN 'paid' WHEN draw < 75 THEN 'approved' WHEN draw < 95 THEN 'pending'
                WHEN draw < 98 THEN 'rejected' ELSE 'reversed' END AS status,
           CASE WHEN draw BETWEEN 85 AND 94 THEN now() + interval '5 days' ELSE s.moment END AS hold_until
    FROM sold s CROSS JOIN generate_series(1, %(levels)s) level
    CROSS JOIN LATERAL (SELECT (s.n * 31 + level * 17) %% 100 AS draw) d
    JOIN people p ON p.n = (s.n * 13 + level * 101) %% %(people)s;
INSERT INTO commissions_commission (
    id, site_id, kind, source_kind, source_id, order_id, line_id, level, distance, partner_id, user_id, source_user_id,
    version_id, override, category, rule_category, rule_kind, rate, base_amount, exact, original_amount, reversed_amount,
    amount, currency, status, auto_approve, hold_until, earned_at, created_at, approved_at, paid_at, rejected_reason,
    refunded_before, refunded_after)
    SELECT commission_id, %(site)s, 'commission', 'order', order_id, order_id, line_id, level, level, earner_id, earner,
        user_id, %(version)s, false, 'brokerage', 'brokerage', 'percent', 0.01, amount, pay, pay,
        CASE status WHEN 'reversed' THEN pay ELSE 0 END, CASE status WHEN 'reversed' THEN 0 ELSE pay END, 'INR', status,
        false, hold_until, moment, moment, CASE WHEN status IN ('paid', 'approved') THEN moment END,
        CASE status WHEN 'paid' THEN moment END, CASE status WHEN 'rejected' THEN 'household' ELSE '' END, 0, 0
    FROM earned;
INSERT INTO commissions_commissionoutcome (id, site_id, order_id, line_id, level, reason, version_id)
    SELECT uuidv7(), %(site)s, order_id, line_id, level, 'house', %(version)s
    FROM sold CROSS JOIN generate_series(21, 22) level
"""
_MONEY = """
CREATE TEMP TABLE booked AS
    SELECT uuidv7(moment - now()) AS entry_id, commission_id, account_id, pay, moment, status FROM earned
    WHERE status IN ('paid', 'approved');
INSERT INTO wallet_entry (id, site_id, kind, key, ref_type, ref_id, meta, created_at)
    SELECT entry_id, %(site)s, 'commission', 'commission:' || commission_id, 'commission', commission_id, '{}', moment
    FROM booked;
INSERT INTO wallet_posting (site_id, entry_id, account_id, currency, amount)
    SELECT %(site)s, entry_id, account_id, 'INR', pay FROM booked
    UNION ALL SELECT %(site)s, entry_id, %(source)s, 'INR', -pay FROM booked;
INSERT INTO wallet_lot (id, site_id, account_id, ref_type, ref_id, amount, reserved, consumed, created_at)
    SELECT uuidv7(moment - now()), %(site)s, account_id, 'commission', commission_id, pay, 0,
           CASE status WHEN 'paid' THEN pay ELSE 0 END, moment FROM booked;
UPDATE wallet_balance b SET balance = t.total
    FROM (SELECT account_id, sum(pay) AS total FROM booked GROUP BY account_id) t WHERE b.account_id = t.account_id;
INSERT INTO payouts_payout (id, site_id, user_id, amount, currency, status, gateway, reference, provider_state, reason,
        created_at, finished_at)
    SELECT uuidv7(-interval '1 minute' * n), %(site)s, user_id, 50000, 'INR',
           CASE WHEN n < 300 THEN 'requested' WHEN n < 500 THEN 'approved' ELSE 'completed' END, 'manual', 'BANK-' || n, '', '',
           now() - interval '1 minute' * n, CASE WHEN n >= 500 THEN now() END
    FROM people WHERE n < 50000
"""
_TRACES = """
INSERT INTO audit_auditevent (id, site_id, created_at, actor_kind, actor_id, actor_name, action, target_type, target_id,
        target_name, before, after, reason, request_id, ip)
    SELECT uuidv7(moment - now()), %(site)s, moment, 'user', %(manager)s, 'manager@bench.example', 'commission.approved',
           'commissions.commission', commission_id, 'brokerage', '{}', '{}', '', '', '127.0.0.1'
    FROM earned WHERE level <= 6;
INSERT INTO core_outboxevent (id, site_id, topic, consumer, key, payload, attempts, created_at, next_at, done_at, dead_at,
        last_error)
    SELECT uuidv7(moment - now()), %(site)s, 'order.paid', 'commissions', order_id, '{}', 1, moment, moment,
           CASE WHEN n %% 5000 <> 0 THEN moment END, CASE WHEN n %% 5000 = 0 THEN moment END, '' FROM sold;
INSERT INTO referrals_click (id, site_id, partner_id, created_at, ip, user_agent_hash, device_id, url, referrer)
    SELECT uuidv7(s.moment - now()), %(site)s, p.partner_id, s.moment, '127.0.0.1', '', '', '', ''
    FROM sold s CROSS JOIN generate_series(1, 6) x JOIN people p ON p.n = (s.n * 7 + x) %% %(people)s
"""
_TABLES = (
    "accounts_membership", "rbac_userrole", "wallet_account", "wallet_balance", "wallet_entry", "wallet_posting", "wallet_lot",
    "orders_customer", "orders_order", "orders_orderline", "commissions_commission", "commissions_commissionoutcome",
    "payouts_payout", "audit_auditevent", "core_outboxevent", "referrals_click",
)  # fmt: skip


def load_business(site: Site, *, partners: int, commissions: int, manager: UUID) -> None:
    """`partners` people in the tree; `commissions` of 20 levels each, in every state, with orders, books, audit and clicks."""
    load_partners(site, partners)
    trading = next(demo for demo in SITES if demo.code == "TRADING")
    with site_context(site.pk):
        version = create_plan(terms=trading.plan or {}, rules=trading.rules, actor=SYSTEM)
        publish_plan(plan=version.plan, actor=SYSTEM)
        values = {
            "site": site.pk, "version": version.pk, "manager": manager, "people": partners, "days": DAYS, "levels": LEVELS,
            "orders": min(commissions // LEVELS, partners), "affiliate": Role.objects.get(key=catalogue.AFFILIATE).pk,
            "source": system_account(Books.COMMISSIONS, "INR"),
        }  # fmt: skip
    with admin() as db, db.transaction():
        db.execute("SET LOCAL session_replication_role = replica")
        for script in (_PEOPLE, _ORDERS, _COMMISSIONS, _MONEY, _TRACES):
            for statement in script.split(";\n"):
                db.execute(statement, {k: v for k, v in values.items() if f"%({k})s" in statement})
    with admin() as db:
        for relation in _TABLES:
            db.execute(f"VACUUM ANALYZE {relation}")
